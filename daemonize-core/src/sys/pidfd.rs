//! Processes by identity instead of by number (`pidfd_open(2)`), since std's `PidFd` is unstable.

use super::cvt;
use super::siginfo::{self, Purpose};
use crate::pid::Pid;
use crate::signal::Signal;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Instant;

/// A process that stays the same one whatever happens to its number.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// `pidfd_open(2)`; `ESRCH` when there is no such process, `ENOSYS` before Linux 5.3.
    pub(crate) fn open(pid: Pid) -> io::Result<PidFd> {
        // SAFETY: takes two integers and touches no memory of ours.
        let fd = cvt(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
        let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: the kernel just made this descriptor (close-on-exec) for us alone.
        Ok(PidFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sends a signal as kill(2) does: see [`send_for`](PidFd::send_for).
    pub(crate) fn send(&self, signal: Signal) -> io::Result<()> {
        self.send_for(signal, Purpose::Unmarked)
    }

    /// Sends a signal with the mark of its purpose: see [`send_for`].
    pub(crate) fn send_for(&self, signal: Signal, purpose: Purpose) -> io::Result<()> {
        send_for(self.0.as_fd(), signal, purpose, 0)
    }

    /// Waits for the process to end, until `deadline`; whether it did. A zombie has ended.
    pub(crate) fn wait(&self, deadline: Instant) -> io::Result<bool> {
        loop {
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(0) if Instant::now() >= deadline => return Ok(false),
                Ok(0) | Err(nix::Error::EINTR) => {}
                Ok(_) => return Ok(true),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Sends a signal with the mark of its purpose (`pidfd_send_signal(2)`, with its flags): reaches exactly the process of this
/// pidfd, or its group, or fails with `ESRCH`.
pub(crate) fn send_for(pidfd: BorrowedFd<'_>, signal: Signal, purpose: Purpose, flags: u32) -> io::Result<()> {
    let info = siginfo::marked(signal, purpose);
    let info = info.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: a null siginfo asks the kernel to fill it in as kill(2) does; any other is read, and outlives the call.
    cvt(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal.as_raw(), info, flags) })?;
    Ok(())
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What is left until `deadline`, in the milliseconds of `poll(2)`, rounded up so that nobody wakes too early.
pub(crate) fn timeout_until(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = left.as_micros().div_ceil(1000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}
