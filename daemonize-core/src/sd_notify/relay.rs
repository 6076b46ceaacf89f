//! Forwards the notifications of a daemon to its service manager, in the process that the manager started.
//!
//! systemd (`PrivatePIDs=`, `NotifyAccess=main`) and `systemd-nspawn --notify-ready` accept messages only from the process
//! that they started, and check the sender's credentials. `MAINPID=` does not help within a pid namespace: outside, the
//! number belongs to another process.

use super::notifier::{Notifier, SEND_TIMEOUT, retry_interrupted};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixDatagram;

/// The size of the buffer for a message. The longest is `FDSTORE=1` with a name of 255 bytes.
const MAX_MESSAGE: usize = 1024;

/// More messages than a socket queues by default (`net.unix.max_dgram_qlen`).
const MAX_QUEUED_MESSAGES: usize = 512;

/// Receives a daemon's messages, and sends them to the manager.
#[derive(Debug)]
pub(crate) struct NotifyRelay {
    daemon: UnixDatagram,
    manager: Notifier,
}

impl NotifyRelay {
    /// Returns a relay to this manager, and the daemon's end of it. A send of the daemon waits for the relay as long as it
    /// would wait for a manager.
    pub(crate) fn new(manager: Notifier) -> io::Result<(NotifyRelay, UnixDatagram)> {
        let (daemon, theirs) = UnixDatagram::pair()?;
        daemon.set_nonblocking(true)?;
        theirs.set_write_timeout(Some(SEND_TIMEOUT))?;
        Ok((NotifyRelay { daemon, manager }, theirs))
    }

    /// Returns the descriptors that must stay open for the relay.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.daemon.as_fd(), self.manager.as_fd()]
    }

    /// Returns the descriptor that is readable when there is a message.
    pub(crate) fn readable(&self) -> BorrowedFd<'_> {
        self.daemon.as_fd()
    }

    /// Forwards one message with its descriptors; a message that the manager does not take in time is lost. Returns `false`
    /// if there was no message.
    pub(crate) fn forward_one(&self) -> bool {
        let mut text = [0; MAX_MESSAGE];
        let mut control = cmsg_space!([RawFd; 1]);
        let mut into = [IoSliceMut::new(&mut text)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let Ok(message) = recvmsg::<()>(self.daemon.as_raw_fd(), &mut into, Some(&mut control), flags) else {
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
        let _ = retry_interrupted(|| {
            let manager = self.manager.as_fd().as_raw_fd();
            sendmsg::<()>(manager, &[IoSlice::new(&text[..length])], rights, MsgFlags::MSG_NOSIGNAL, None)?;
            Ok(())
        });
        true
    }

    /// Forwards the messages that a daemon left in the queue when it ended.
    pub(crate) fn forward_rest(&self) {
        // Bounded: a process that the daemon forked without exec may go on sending.
        for _ in 0..MAX_QUEUED_MESSAGES {
            if !self.forward_one() {
                return;
            }
        }
    }
}
