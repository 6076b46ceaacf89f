//! Passes on the messages of a daemon to its service manager, in the process that the manager knows.
//!
//! systemd (`PrivatePIDs=`, `NotifyAccess=main`) and `systemd-nspawn --notify-ready` believe the process that they started
//! and no other, and see who has sent a message. `MAINPID=` is of no use from within a pid namespace: the number would be
//! that of another process.

use super::{Notifier, PATIENCE, uninterrupted};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixDatagram;

/// The longest message: of `FDSTORE=1`, with a name of 255 bytes.
const LONGEST: usize = 1024;

/// More messages than a socket holds by default (`net.unix.max_dgram_qlen`).
const LONGEST_QUEUE: usize = 512;

/// Reads a daemon's messages, and sends them to the manager.
#[derive(Debug)]
pub(crate) struct Relay {
    daemon: UnixDatagram,
    manager: Notifier,
}

impl Relay {
    /// Returns a relay to this manager, and the daemon's end of it, which waits for the relay as long as for a manager.
    pub(crate) fn new(manager: Notifier) -> io::Result<(Relay, UnixDatagram)> {
        let (daemon, theirs) = UnixDatagram::pair()?;
        daemon.set_nonblocking(true)?;
        theirs.set_write_timeout(Some(PATIENCE))?;
        Ok((Relay { daemon, manager }, theirs))
    }

    /// Returns what must stay open for it.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.daemon.as_fd(), self.manager.as_fd()]
    }

    /// Returns what is readable when there is a message.
    pub(crate) fn readable(&self) -> BorrowedFd<'_> {
        self.daemon.as_fd()
    }

    /// Passes one message on, with its descriptors; one that the manager does not take within its time is lost. Returns
    /// `false` if there was none.
    pub(crate) fn pass_one_on(&self) -> bool {
        let mut text = [0; LONGEST];
        let mut room = cmsg_space!([RawFd; 1]);
        let mut into = [IoSliceMut::new(&mut text)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let Ok(message) = recvmsg::<()>(self.daemon.as_raw_fd(), &mut into, Some(&mut room), flags) else {
            return false;
        };
        let length = message.bytes;
        let mut fds = Vec::new();
        for control in message.cmsgs().into_iter().flatten() {
            if let ControlMessageOwned::ScmRights(received) = control {
                fds.extend(received.into_iter().map(crate::sys::fds::own_handed_over));
            }
        }
        let numbers: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let rights = if numbers.is_empty() { &[][..] } else { &rights[..] };
        let _ = uninterrupted(|| {
            let manager = self.manager.as_fd().as_raw_fd();
            sendmsg::<()>(manager, &[IoSlice::new(&text[..length])], rights, MsgFlags::MSG_NOSIGNAL, None)?;
            Ok(())
        });
        true
    }

    /// Passes on what a daemon that has ended has said.
    pub(crate) fn pass_rest_on(&self) {
        // A copy of the process, forked without exec, may go on writing.
        for _ in 0..LONGEST_QUEUE {
            if !self.pass_one_on() {
                return;
            }
        }
    }
}
