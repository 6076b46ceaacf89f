//! One end of a socket pair, over which a start sends its messages.

use super::codec::{SHORT_CAPACITY, TEXT_LIMIT, encode_forked};
use super::message::Message;
use crate::sys::fds;
use nix::cmsg_space;
use nix::sys::socket::{AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, send, shutdown, socketpair};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, recvmsg, sendmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The longest message that comes with a descriptor, in bytes.
const FD_MESSAGE_CAPACITY: usize = 64;

/// One end of a connected pair of sockets.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// Wraps one end of a pair that another process has made.
    pub(crate) fn new(end: OwnedFd) -> Channel {
        Channel(end)
    }

    /// Makes a connected pair (`socketpair(2)`, `SOCK_SEQPACKET`, close-on-exec).
    pub(crate) fn pair() -> io::Result<(Channel, Channel)> {
        let (one, other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Channel(one), Channel(other)))
    }

    /// Sends one message. Fails with `EPIPE`, without SIGPIPE, if the other end is closed.
    pub(crate) fn send(&self, message: &Message) -> io::Result<()> {
        self.send_with_flags(message, MsgFlags::empty())
    }

    /// Sends one message without blocking. Fails with `EAGAIN` if the socket buffer is full.
    pub(crate) fn try_send(&self, message: &Message) -> io::Result<()> {
        self.send_with_flags(message, MsgFlags::MSG_DONTWAIT)
    }

    fn send_with_flags(&self, message: &Message, flags: MsgFlags) -> io::Result<()> {
        // No allocation for the messages of every start: in a process that was just forked it costs several page faults.
        match message {
            Message::Ready => self.send_packet(b"R", flags),
            Message::Go => self.send_packet(b"G", flags),
            Message::Release => self.send_packet(b"r", flags),
            Message::Released => self.send_packet(b"d", flags),
            Message::Forked(pid) => self.send_packet(&encode_forked(*pid), flags),
            other => self.send_packet(&other.encode(), flags),
        }
    }

    fn send_packet(&self, packet: &[u8], flags: MsgFlags) -> io::Result<()> {
        loop {
            match send(self.0.as_raw_fd(), packet, MsgFlags::MSG_NOSIGNAL | flags) {
                Err(nix::Error::EINTR) => {}
                other => return other.map(drop).map_err(Into::into),
            }
        }
    }

    /// Waits for one message. Returns `None` at end of file, and for a packet that is not a message.
    pub(crate) fn receive(&self) -> io::Result<Option<Message>> {
        self.receive_with_flags(MsgFlags::empty())
    }

    /// Receives one message without blocking. Fails with `EAGAIN` if there is none.
    pub(crate) fn try_receive(&self) -> io::Result<Option<Message>> {
        self.receive_with_flags(MsgFlags::MSG_DONTWAIT)
    }

    /// Waits for one message, in one system call. Only for messages without a text (errors, addresses and paths have one): the
    /// kernel truncates a longer packet.
    pub(crate) fn receive_short(&self) -> io::Result<Option<Message>> {
        let mut packet = [0; SHORT_CAPACITY];
        let length = self.receive_packet(&mut packet, MsgFlags::empty())?;
        Ok(Message::decode(&packet[..length]))
    }

    fn receive_with_flags(&self, flags: MsgFlags) -> io::Result<Option<Message>> {
        // The length first (`MSG_PEEK`, `MSG_TRUNC`): nearly every message has a few bytes, and a buffer for the longest would
        // touch eight new pages in each process.
        let mut short = [0; SHORT_CAPACITY];
        let length = self.receive_packet(&mut short, flags | MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC)?;
        if length <= short.len() {
            let length = self.receive_packet(&mut short, MsgFlags::empty())?;
            return Ok(Message::decode(&short[..length]));
        }
        // No message of this library is longer. The kernel truncates a packet that is.
        let mut long = vec![0; length.min(2 * TEXT_LIMIT)];
        let length = self.receive_packet(&mut long, MsgFlags::empty())?;
        Ok(Message::decode(&long[..length.min(long.len())]))
    }

    /// Sends one message and a copy of a file descriptor (`SCM_RIGHTS`, see `unix(7)`).
    pub(crate) fn send_with_fd(&self, message: &Message, fd: BorrowedFd<'_>) -> io::Result<()> {
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

    /// Waits for one message without a text, and returns it with the file descriptor that came with it.
    pub(crate) fn receive_with_fd(&self) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
        let mut packet = [0; FD_MESSAGE_CAPACITY];
        let mut space = cmsg_space!(RawFd);
        loop {
            let mut text = [IoSliceMut::new(&mut packet)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            let (length, fd) = match recvmsg::<()>(self.0.as_raw_fd(), &mut text, Some(&mut space), flags) {
                Err(nix::Error::EINTR | nix::Error::ECONNRESET) => continue,
                Err(errno) => return Err(errno.into()),
                // The buffer has room for one descriptor.
                Ok(received) => (received.bytes, received.cmsgs()?.find_map(received_fd)),
            };
            let fd = fd.map(fds::own_handed_over);
            return Ok(Message::decode(&packet[..length]).map(|message| (message, fd)));
        }
    }

    fn receive_packet(&self, packet: &mut [u8], flags: MsgFlags) -> io::Result<usize> {
        loop {
            match recv(self.0.as_raw_fd(), packet, flags) {
                // ECONNRESET: the peer died with unread packets. The kernel reports that once; packets that the peer sent
                // before, or end of file, come next.
                Err(nix::Error::EINTR | nix::Error::ECONNRESET) => {}
                Ok(length) => return Ok(length),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Shuts down the sending direction (`shutdown(2)`): the peer reads end of file, even if another process holds a copy of
    /// this end.
    pub(crate) fn shutdown_write(&self) {
        let _ = shutdown(self.0.as_raw_fd(), Shutdown::Write);
    }
}

fn received_fd(message: ControlMessageOwned) -> Option<RawFd> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::ipc::codec::TEXT_LIMIT;
    use crate::pid::Pid;
    use crate::process::{BootContext, Identity};
    use crate::signal::Signal;
    use crate::sys::wait::Ended;

    #[test]
    fn a_long_text_is_cut_between_characters_and_arrives() {
        let (one, other) = Channel::pair().unwrap();
        one.send(&Message::Failed(Error::new(ErrorKind::Body, "ä".repeat(TEXT_LIMIT)))).unwrap();
        let Ok(Some(Message::Failed(error))) = other.receive() else { panic!("no error") };
        assert_eq!(error.to_string(), "ä".repeat(TEXT_LIMIT / 2));
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
    fn what_was_said_before_the_end_is_heard() {
        let (one, other) = Channel::pair().unwrap();
        other.send(&Message::Release).unwrap();
        one.send(&Message::Status(Ended::from_raw(9))).unwrap();
        drop(one);
        assert!(matches!(other.receive(), Ok(Some(Message::Status(Ended::Signal(Signal::SIGKILL))))));
        assert!(matches!(other.receive(), Ok(None)));
        assert_eq!(other.send(&Message::Release).unwrap_err().raw_os_error(), Some(nix::Error::EPIPE as i32));
    }

    #[test]
    fn a_descriptor_comes_with_its_message() {
        let (one, other) = Channel::pair().unwrap();
        one.send(&Message::Stop).unwrap();
        one.send_with_fd(&Message::Go, one.as_fd()).unwrap();
        assert!(matches!(other.receive_with_fd(), Ok(Some((Message::Stop, None)))));
        let Ok(Some((Message::Go, Some(copy)))) = other.receive_with_fd() else { panic!("no descriptor") };
        drop(one);
        Channel(copy).send(&Message::Waiting("/run/a b".into())).unwrap();
        assert!(matches!(other.receive(), Ok(Some(Message::Waiting(path))) if path.as_os_str() == "/run/a b"));
        assert!(matches!(other.receive_with_fd(), Ok(None)));
    }
}
