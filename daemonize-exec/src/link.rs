//! The connection between the process that starts a daemon and the new process, which is its child.
//!
//! Attacks and answers: any process can set the variable. It counts only if the descriptor came through `execve(2)`, is the very socket
//! that the variable names, and belongs to a pair that the parent of this process has made as the same user (`SO_PEERCRED`); and never
//! in a program that has more rights than its caller. Such a parent could start the program with any arguments anyway. A descriptor that
//! fails the check is not read, and stays open: it is another file of the program's.

use crate::image;
use crate::memory_file;
use daemonize_sys::escape::escape_bytes;
use daemonize_sys::fork::Alone;
use daemonize_sys::pid::Pid;
use daemonize_sys::{env as process_env, exec, fds};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, recvmsg, sendmsg};
use nix::unistd::{geteuid, getppid};
use std::env;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The variable that names the link: its descriptor, and the inode of the socket.
pub(crate) const EXEC_ENV: &str = "DAEMONIC_EXEC";

/// The version of the messages. Other processes of this build talk the same one; a restart may execute another build.
const VERSION: u8 = 1;

/// One end of the connection.
#[derive(Debug)]
pub(crate) struct Link(OwnedFd);

/// A message, with the descriptors that it carries.
#[derive(Debug)]
pub(crate) enum Message {
    /// The new process has called [`init`](crate::init), and waits for the request.
    Ready,
    /// The request, as a sealed file; and the standard output, if the one of the new process is another.
    Request(OwnedFd, Option<OwnedFd>),
    /// The outcome of the start, as a sealed file.
    Outcome(OwnedFd),
}

impl Link {
    /// Makes both ends (`socketpair(2)`, close-on-exec).
    pub(crate) fn pair() -> io::Result<(Link, Link)> {
        let (one, other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Link(one), Link(other)))
    }

    /// Returns the value of the variable for a new process that has this end as descriptor `number`.
    pub(crate) fn variable(&self, number: RawFd) -> io::Result<String> {
        let inode = fds::inode(self.0.as_raw_fd()).ok_or(Errno::EBADF)?;
        Ok(format!("{number} {inode}"))
    }

    /// Removes the variable, and returns the link that it names if the parent of this process has made it.
    pub(crate) fn take() -> Option<Link> {
        let variable = env::var_os(EXEC_ENV)?;
        forget_variable();
        let link = variable.to_str().and_then(Link::open);
        if link.is_none() {
            image::distrust();
        }
        link
    }

    fn open(variable: &str) -> Option<Link> {
        let (number, inode) = variable.split_once(' ')?;
        let inode = inode.parse::<u64>().ok()?;
        let number = number.parse::<RawFd>().ok().filter(|number| *number > 2)?;
        let parent = Pid::from_raw(getppid().as_raw())?;
        let is_ours = !exec::is_secure()
            && fds::is_inherited(number)
            && fds::peer(number) == Some((parent, geteuid()))
            && fds::inode(number) == Some(inode);
        // It stays open across `execve(2)`, and so the daemon closes it with all else that it has inherited.
        is_ours.then(|| Link(fds::own_handed_over(number)))
    }

    /// Returns the descriptor, to pass it on.
    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// Sends READY.
    pub(crate) fn send_ready(&self) -> io::Result<()> {
        self.send(b'R', &[])
    }

    /// Sends the request, and the standard output for the new process if it needs another one.
    pub(crate) fn send_request(&self, request: &[&[u8]], stdout: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let file = memory_file::create(request)?;
        let fds: Vec<RawFd> = [Some(file.as_fd()), stdout].into_iter().flatten().map(|fd| fd.as_raw_fd()).collect();
        self.send(b'Q', &fds)
    }

    /// Sends the outcome.
    pub(crate) fn send_outcome(&self, outcome: &[u8]) -> io::Result<()> {
        let file = memory_file::create(&[outcome])?;
        self.send(b'O', &[file.as_raw_fd()])
    }

    fn send(&self, tag: u8, fds: &[RawFd]) -> io::Result<()> {
        let packet = [tag, VERSION];
        let (text, copies) = ([IoSlice::new(&packet)], [ControlMessage::ScmRights(fds)]);
        let copies = if fds.is_empty() { &[] } else { &copies[..] };
        loop {
            match sendmsg::<()>(self.0.as_raw_fd(), &text, copies, MsgFlags::MSG_NOSIGNAL, None) {
                Err(Errno::EINTR) => {}
                other => return other.map(drop).map_err(Into::into),
            }
        }
    }

    /// Receives a message without blocking; `None` at end of file.
    ///
    /// # Errors
    /// Returns `EAGAIN` if there is none. A packet that is not a message is an error.
    pub(crate) fn receive(&self) -> io::Result<Option<Message>> {
        let mut packet = [0; 16];
        let mut space = cmsg_space!(RawFd, RawFd);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let (length, mut files) = loop {
            let mut text = [IoSliceMut::new(&mut packet)];
            match recvmsg::<()>(self.0.as_raw_fd(), &mut text, Some(&mut space), flags) {
                // ECONNRESET: the peer died with unread packets, which the kernel reports once.
                Err(Errno::EINTR | Errno::ECONNRESET) => {}
                Err(errno) => return Err(errno.into()),
                Ok(received) => {
                    let files: Vec<OwnedFd> = received.cmsgs()?.flat_map(received_files).collect();
                    break (received.bytes, files.into_iter());
                }
            }
        };
        let packet = &packet[..length.min(packet.len())];
        match (packet, files.next()) {
            ([], _) => Ok(None),
            ([b'R', VERSION], _) => Ok(Some(Message::Ready)),
            ([b'Q', VERSION], Some(file)) => Ok(Some(Message::Request(file, files.next()))),
            ([b'O', VERSION], Some(file)) => Ok(Some(Message::Outcome(file))),
            _ => Err(io::Error::other(format!("`{}` is not a message of this version", escape_bytes(packet)))),
        }
    }
}

/// Removes the variable, which must not reach programs that this process executes. A process with several threads keeps it; it names a
/// socket that no other process has.
pub(crate) fn forget_variable() {
    if let Ok(Ok(alone)) = Alone::prove() {
        process_env::forget(alone, EXEC_ENV);
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Takes the descriptors of a control message: all of them, so that none is left open.
fn received_files(message: ControlMessageOwned) -> Vec<OwnedFd> {
    match message {
        ControlMessageOwned::ScmRights(fds) => fds.into_iter().map(fds::own_handed_over).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};

    /// The parent of this process has made none of them.
    #[test]
    fn descriptor_that_the_parent_has_not_made_is_no_link() {
        let (ours, _theirs) = Link::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        for fd in [ours.as_fd(), file.as_fd()] {
            let (number, inode) = (fd.as_raw_fd(), fds::inode(fd.as_raw_fd()).unwrap());
            for flags in [FdFlag::FD_CLOEXEC, FdFlag::empty()] {
                fcntl(fd, FcntlArg::F_SETFD(flags)).unwrap();
                assert!(Link::open(&format!("{number} {inode}")).is_none(), "{number} {inode} {flags:?}");
            }
            assert!(fds::is_open(number));
        }
        for variable in ["", " ", "3", "3 x", "x 1", "-1 1", "2 1", "99999999999 1"] {
            assert!(Link::open(variable).is_none(), "{variable}");
        }
    }

    #[test]
    fn message_arrives_as_it_was_sent_and_another_is_an_error() {
        let (one, other) = Link::pair().unwrap();
        assert_eq!(other.receive().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        one.send_ready().unwrap();
        one.send_request(&[b"head", b"arguments"], Some(io::stdout().as_fd())).unwrap();
        one.send_outcome(b"outcome").unwrap();
        assert!(matches!(other.receive(), Ok(Some(Message::Ready))));
        let Ok(Some(Message::Request(file, Some(_)))) = other.receive() else { panic!("not the request") };
        assert_eq!(memory_file::read(file, 13).unwrap(), b"headarguments");
        let Ok(Some(Message::Outcome(file))) = other.receive() else { panic!("not the outcome") };
        assert_eq!(memory_file::read(file, 100).unwrap(), b"outcome");
        one.send(b'O', &[]).unwrap();
        one.send(b'?', &[]).unwrap();
        assert_ne!(other.receive().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(other.receive().unwrap_err().to_string().contains("is not a message of this version"));
        drop(one);
        assert!(matches!(other.receive(), Ok(None)));
    }
}
