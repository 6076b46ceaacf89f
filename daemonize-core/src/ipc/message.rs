//! The messages between launcher, session leader and daemon, and between a daemon and the program that it restarts into.
//!
//! Two pairs of sockets: `ready` between daemon and launcher, `ctl` between session leader and launcher. Each message is
//! one packet, so it arrives whole or not at all; end of file on a pair has a meaning of its own (it aborts the start).

use crate::error::{Error, ErrorKind};
use crate::pid::Pid;
use crate::process::{BootContext, Identity};
use crate::signal::Signal;
use crate::stage::Stage;
use crate::sys::fds;
use crate::sys::wait::Ended;
use nix::cmsg_space;
use nix::sys::socket::{AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, send, shutdown, socketpair};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, recvmsg, sendmsg};
use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// A longer text is cut: a packet has to fit into the socket's buffer.
const TEXT_LIMIT: usize = 32 * 1024;

/// The longest message that carries no text, in bytes: WRITTEN, if all signals are ignored.
const SHORT: usize = 192;

/// One message.
#[derive(Debug)]
pub(crate) enum Message {
    /// Daemon to launcher, before it changes its user: its addresses are these, all of them.
    Addresses(Vec<String>),
    /// Daemon to launcher: every stage is done. It carries no pid: by now the daemon may be a user that root must not
    /// believe.
    Ready,
    /// Daemon to launcher: the start needs so long from now on.
    MoreTime(Duration),
    /// Daemon to launcher: there will be no daemon, for this reason. Session leader to launcher: the same, and the daemon
    /// is dead and reaped.
    Failed(Error),
    /// Daemon to launcher: the body has called `exit(3)` before it was ready; the status, which follows from the session
    /// leader, is the outcome.
    Exiting,
    /// Launcher to daemon: the pidfile is written, and this is what it says. These signals were ignored at the fork.
    Written(Identity, Vec<Signal>),
    /// Launcher to daemon: the start has succeeded, begin.
    Go,
    /// Session leader to launcher: this is the daemon that was forked.
    Forked(Pid),
    /// Launcher to session leader: the daemon is ready, exit.
    Release,
    /// Session leader to launcher: it exits, the daemon is on its own from now on.
    Released,
    /// Session leader to launcher: the daemon has died like this and is reaped.
    Status(Ended),
    /// Restarted program to the daemon that started it: the settings are good, this is my pidfile, and I wait for your end.
    Waiting(PathBuf),
    /// That daemon to the program: I stop, which takes at most so long; GO follows, with the lock, or my end.
    Accepted(Duration),
    /// That daemon to the program: a stop came, which is meant for both of us.
    Stop,
}

/// One end of a pair.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// The end of a pair that another process has made.
    pub(crate) fn new(end: OwnedFd) -> Channel {
        Channel(end)
    }

    /// Two connected ends (`socketpair(2)`, `SOCK_SEQPACKET`, close-on-exec).
    pub(crate) fn pair() -> io::Result<(Channel, Channel)> {
        let (one, other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Channel(one), Channel(other)))
    }

    /// Sends one message; `EPIPE` when nobody is there, and no SIGPIPE.
    pub(crate) fn send(&self, message: &Message) -> io::Result<()> {
        self.put(message, MsgFlags::empty())
    }

    /// As [`send`](Channel::send); `EAGAIN` where that would wait for room.
    pub(crate) fn try_send(&self, message: &Message) -> io::Result<()> {
        self.put(message, MsgFlags::MSG_DONTWAIT)
    }

    fn put(&self, message: &Message, flags: MsgFlags) -> io::Result<()> {
        // Without an allocation, which costs a process that was just forked some page faults.
        match message {
            Message::Ready => self.put_packet(b"R", flags),
            Message::Go => self.put_packet(b"G", flags),
            Message::Release => self.put_packet(b"r", flags),
            Message::Released => self.put_packet(b"d", flags),
            Message::Forked(pid) => self.put_packet(&encode_forked(*pid), flags),
            other => self.put_packet(&other.encode(), flags),
        }
    }

    fn put_packet(&self, packet: &[u8], flags: MsgFlags) -> io::Result<()> {
        loop {
            match send(self.0.as_raw_fd(), packet, MsgFlags::MSG_NOSIGNAL | flags) {
                Err(nix::Error::EINTR) => {}
                other => return other.map(drop).map_err(Into::into),
            }
        }
    }

    /// Waits for one message; `None` at the end of the pair.
    pub(crate) fn receive(&self) -> io::Result<Option<Message>> {
        self.next(MsgFlags::empty())
    }

    /// As [`receive`](Channel::receive); `EAGAIN` where no message has come.
    pub(crate) fn try_receive(&self) -> io::Result<Option<Message>> {
        self.next(MsgFlags::MSG_DONTWAIT)
    }

    /// As [`receive`](Channel::receive), in one system call, for messages other than errors, addresses and paths; of a longer
    /// one the rest is lost.
    pub(crate) fn receive_short(&self) -> io::Result<Option<Message>> {
        let mut packet = [0; SHORT];
        let length = self.take(&mut packet, MsgFlags::empty())?;
        Ok(Message::decode(&packet[..length]))
    }

    fn next(&self, flags: MsgFlags) -> io::Result<Option<Message>> {
        // Nearly every message is a few bytes. Room for the longest would be eight fresh pages in each process.
        let mut short = [0; SHORT];
        let length = self.take(&mut short, flags | MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC)?;
        if length <= short.len() {
            let length = self.take(&mut short, MsgFlags::empty())?;
            return Ok(Message::decode(&short[..length]));
        }
        // No message of this library is longer; the rest of a packet that is gets lost.
        let mut long = vec![0; length.min(2 * TEXT_LIMIT)];
        let length = self.take(&mut long, MsgFlags::empty())?;
        Ok(Message::decode(&long[..length.min(long.len())]))
    }

    /// As [`send`](Channel::send), with a copy of a descriptor.
    pub(crate) fn send_with(&self, message: &Message, fd: BorrowedFd<'_>) -> io::Result<()> {
        let packet = message.encode();
        let (text, fds) = ([IoSlice::new(&packet)], [fd.as_raw_fd()]);
        let copies = [ControlMessage::ScmRights(&fds)];
        loop {
            match sendmsg::<()>(self.0.as_raw_fd(), &text, &copies, MsgFlags::MSG_NOSIGNAL, None) {
                Err(nix::Error::EINTR) => {}
                other => return other.map(drop).map_err(Into::into),
            }
        }
    }

    /// As [`receive`](Channel::receive) for short messages, with the descriptor that came along.
    pub(crate) fn receive_with(&self) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
        let mut packet = [0; 64];
        let mut space = cmsg_space!(RawFd);
        loop {
            let mut text = [IoSliceMut::new(&mut packet)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            let (length, fd) = match recvmsg::<()>(self.0.as_raw_fd(), &mut text, Some(&mut space), flags) {
                Err(nix::Error::EINTR | nix::Error::ECONNRESET) => continue,
                Err(errno) => return Err(errno.into()),
                // There is room for one.
                Ok(received) => (received.bytes, received.cmsgs()?.find_map(descriptor)),
            };
            let fd = fd.map(fds::own_handed_over);
            return Ok(Message::decode(&packet[..length]).map(|message| (message, fd)));
        }
    }

    fn take(&self, packet: &mut [u8], flags: MsgFlags) -> io::Result<usize> {
        loop {
            match recv(self.0.as_raw_fd(), packet, flags) {
                // The other side died with something unread. Said once; what it sent before comes next, or the end.
                Err(nix::Error::EINTR | nix::Error::ECONNRESET) => {}
                Ok(length) => return Ok(length),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Sends nothing more: the other side reads end of file, even if another process holds a copy of this end.
    pub(crate) fn shutdown_write(&self) {
        let _ = shutdown(self.0.as_raw_fd(), Shutdown::Write);
    }
}

fn descriptor(message: ControlMessageOwned) -> Option<RawFd> {
    match message {
        ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
        _ => None,
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Message::Addresses(addresses) => [&b"A"[..], addresses.join("\n").as_bytes()].concat(),
            Message::Ready => b"R".to_vec(),
            Message::Exiting => b"x".to_vec(),
            Message::Written(identity, ignored) => encode_written(identity, ignored),
            Message::Forked(pid) => encode_forked(*pid).to_vec(),
            Message::Go => b"G".to_vec(),
            Message::Release => b"r".to_vec(),
            Message::Released => b"d".to_vec(),
            Message::Status(ended) => [&b"S"[..], &ended.as_raw().to_ne_bytes()].concat(),
            Message::Waiting(pidfile) => [&b"w"[..], pidfile.as_os_str().as_bytes()].concat(),
            Message::MoreTime(time) => encode_time(b't', *time),
            Message::Accepted(limit) => encode_time(b'a', *limit),
            Message::Stop => b"s".to_vec(),
            Message::Failed(error) => {
                let text = format!("{error}");
                let end = (0..=TEXT_LIMIT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
                [&b"F"[..], &encode_kind(error.kind()), &text.as_bytes()[..end.unwrap_or(0)]].concat()
            }
        }
    }

    pub(crate) fn decode(packet: &[u8]) -> Option<Message> {
        let (tag, rest) = packet.split_first()?;
        Some(match tag {
            b'A' if rest.is_empty() => Message::Addresses(Vec::new()),
            b'A' => Message::Addresses(std::str::from_utf8(rest).ok()?.split('\n').map(str::to_owned).collect()),
            b'R' if rest.is_empty() => Message::Ready,
            b'x' if rest.is_empty() => Message::Exiting,
            b'W' => decode_written(rest)?,
            b'P' => Message::Forked(Pid::from_raw(i32::from_ne_bytes(rest.try_into().ok()?))?),
            b'G' => Message::Go,
            b'r' => Message::Release,
            b'd' => Message::Released,
            b'S' => Message::Status(Ended::from_raw(i32::from_ne_bytes(rest.try_into().ok()?))),
            b'w' => Message::Waiting(OsStr::from_bytes(rest).into()),
            b't' => Message::MoreTime(Duration::from_millis(u64::from_ne_bytes(rest.try_into().ok()?))),
            b'a' => Message::Accepted(Duration::from_millis(u64::from_ne_bytes(rest.try_into().ok()?))),
            b's' => Message::Stop,
            b'F' => {
                let (kind, text) = rest.split_at_checked(2)?;
                Message::Failed(Error::new(decode_kind(kind), String::from_utf8_lossy(text)))
            }
            _ => return None,
        })
    }
}

fn encode_forked(pid: Pid) -> [u8; 5] {
    let [a, b, c, d] = pid.as_raw().to_ne_bytes();
    [b'P', a, b, c, d]
}

fn encode_time(tag: u8, time: Duration) -> Vec<u8> {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    [&[tag][..], &milliseconds.to_ne_bytes()].concat()
}

fn encode_written(identity: &Identity, ignored: &[Signal]) -> Vec<u8> {
    let Identity { pid, start_time, context: BootContext { boot, pid_namespace, time_namespace } } = identity;
    // The inode of a namespace is never 0.
    let numbers = [*start_time, *pid_namespace, time_namespace.unwrap_or(0)].map(u64::to_ne_bytes);
    let ignored: Vec<u8> = ignored.iter().filter_map(|signal| u8::try_from(signal.as_raw()).ok()).collect();
    let boot_length = u8::try_from(boot.len()).unwrap_or(u8::MAX);
    [&b"W"[..], &pid.as_raw().to_ne_bytes(), numbers.as_flattened(), &[boot_length], boot.as_bytes(), &ignored].concat()
}

fn decode_written(bytes: &[u8]) -> Option<Message> {
    let (pid, rest) = bytes.split_first_chunk()?;
    let (start_time, rest) = rest.split_first_chunk()?;
    let (pid_namespace, rest) = rest.split_first_chunk()?;
    let (time_namespace, rest) = rest.split_first_chunk()?;
    let (boot_length, rest) = rest.split_first()?;
    let (boot, ignored) = rest.split_at_checked(usize::from(*boot_length))?;
    let context = BootContext {
        boot: String::from_utf8(boot.to_vec()).ok()?,
        pid_namespace: u64::from_ne_bytes(*pid_namespace),
        time_namespace: Some(u64::from_ne_bytes(*time_namespace)).filter(|inode| *inode != 0),
    };
    let (pid, start_time) = (Pid::from_raw(i32::from_ne_bytes(*pid))?, u64::from_ne_bytes(*start_time));
    let ignored = ignored.iter().map(|number| Signal::from(i32::from(*number))).collect();
    Some(Message::Written(Identity { pid, start_time, context }, ignored))
}

/// Two bytes: which kind, which stage. Only what a daemon can fail with has a letter.
fn encode_kind(kind: ErrorKind) -> [u8; 2] {
    let letter = match kind {
        ErrorKind::Stage(stage) => return [b's', stage as u8],
        ErrorKind::Body => b'b',
        ErrorKind::Died => b'd',
        ErrorKind::Stopped => b't',
        ErrorKind::PidFile => b'p',
        _ => b'y',
    };
    [letter, 0]
}

fn decode_kind(bytes: &[u8]) -> ErrorKind {
    match bytes {
        [b's', index] => {
            Stage::ALL.get(usize::from(*index)).map_or(ErrorKind::System, |stage| ErrorKind::Stage(*stage))
        }
        [b'b', _] => ErrorKind::Body,
        [b'd', _] => ErrorKind::Died,
        [b't', _] => ErrorKind::Stopped,
        [b'p', _] => ErrorKind::PidFile,
        _ => ErrorKind::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_error_keeps_kind_and_text() {
        for kind in
            [ErrorKind::Stage(Stage::Umask), ErrorKind::Body, ErrorKind::Died, ErrorKind::Stopped, ErrorKind::PidFile]
        {
            let packet = Message::Failed(Error::new(kind, "failed to fly: no wings")).encode();
            let Some(Message::Failed(error)) = Message::decode(&packet) else { panic!("{packet:?}") };
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, "failed to fly: no wings"));
        }
    }

    #[test]
    fn written_with_all_signals_ignored_arrives_as_a_short_message() {
        let (one, other) = Channel::pair().unwrap();
        let context = BootContext { boot: "b".repeat(36), pid_namespace: u64::MAX, time_namespace: Some(u64::MAX) };
        let identity = Identity { pid: Pid::this(), start_time: u64::MAX, context };
        let ignored: Vec<Signal> = Signal::all().collect();
        one.send(&Message::Written(identity.clone(), ignored.clone())).unwrap();
        let Ok(Some(Message::Written(received, signals))) = other.receive_short() else { panic!("another message") };
        assert_eq!((received, signals), (identity, ignored));
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_arrives() {
        let (one, other) = Channel::pair().unwrap();
        one.send(&Message::Failed(Error::new(ErrorKind::Body, "ä".repeat(TEXT_LIMIT)))).unwrap();
        let Ok(Some(Message::Failed(error))) = other.receive() else { panic!("no error") };
        assert_eq!(error.to_string(), "ä".repeat(TEXT_LIMIT / 2));
    }

    #[test]
    fn what_was_said_before_the_end_is_heard() {
        let (one, other) = Channel::pair().unwrap();
        other.send(&Message::Release).unwrap();
        one.send(&Message::Status(Ended::from_raw(9))).unwrap();
        drop(one);
        assert!(matches!(other.receive(), Ok(Some(Message::Status(Ended::Signal(crate::signal::Signal::SIGKILL))))));
        assert!(matches!(other.receive(), Ok(None)));
        assert_eq!(other.send(&Message::Release).unwrap_err().raw_os_error(), Some(nix::Error::EPIPE as i32));
    }

    #[test]
    fn a_descriptor_comes_with_its_message() {
        let (one, other) = Channel::pair().unwrap();
        one.send(&Message::Stop).unwrap();
        one.send_with(&Message::Go, one.as_fd()).unwrap();
        assert!(matches!(other.receive_with(), Ok(Some((Message::Stop, None)))));
        let Ok(Some((Message::Go, Some(copy)))) = other.receive_with() else { panic!("no descriptor") };
        drop(one);
        Channel(copy).send(&Message::Waiting("/run/a b".into())).unwrap();
        assert!(matches!(other.receive(), Ok(Some(Message::Waiting(path))) if path.as_os_str() == "/run/a b"));
        assert!(matches!(other.receive_with(), Ok(None)));
    }

    proptest! {
        #[test]
        fn any_packet_is_decoded_or_refused(packet in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Message::decode(&packet);
        }
    }
}
