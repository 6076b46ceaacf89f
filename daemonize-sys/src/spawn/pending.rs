//! A child between its fork and the execution of its program.

use super::steps::{SpawnError, UNSHARED};
use crate::pid::Pid;
use crate::pidfd::{PidFd, timeout_until};
use crate::proc::ProcStat;
use crate::signal::Signal;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::read;
use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::null_mut;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The time in which a child must leave the parent's table of file descriptors; it only needs to be scheduled.
const UNSHARE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time to wait for a child that has reported a failure; it only needs to exit.
const EXIT_TIMEOUT: Duration = Duration::from_millis(100);

/// A child that may not have executed its program yet. Its file descriptor is readable when [`poll`](PendingChild::poll) has a result.
/// Dropping it neither ends nor reaps the child.
pub struct PendingChild {
    pid: Pid,
    handle: PidFd,
    report: OwnedFd,
}

impl PendingChild {
    /// Returns the child of this number, which reports through this pipe.
    pub(super) fn new(pid: Pid, handle: PidFd, report: OwnedFd) -> PendingChild {
        PendingChild { pid, handle, report }
    }

    /// Returns the number of the child, which is its own until the child is reaped.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Kills the child. It ends as soon as the kernel gives up what the child waits for.
    pub fn kill(&self) {
        // An error means that it has ended.
        let _ = self.handle.send(Signal::SIGKILL);
    }

    /// Returns the process. Its descriptor is readable when the child has ended.
    pub fn process(&self) -> &PidFd {
        &self.handle
    }

    /// Returns the outcome, once there is one: the program is executed, unless the child was killed before, which its status tells
    /// then; or the child has failed, and exits.
    pub fn poll(&self) -> Poll<Result<(), SpawnError>> {
        let outcome = self.read_report();
        if outcome.is_ready() || !(self.has_ended() || self.has_executed()) {
            return outcome;
        }
        // The pipe does not end while a process holds a copy that another thread has forked in the moment of this child's fork,
        // and that executes no program. What the child has reported is there by now.
        match self.read_report() {
            Poll::Pending => Poll::Ready(Ok(())),
            Poll::Ready(outcome) => Poll::Ready(outcome),
        }
    }

    fn read_report(&self) -> Poll<Result<(), SpawnError>> {
        let mut record = [0; 8];
        match read(&self.report, &mut record) {
            Err(Errno::EAGAIN | Errno::EINTR) => Poll::Pending,
            Ok(length) if length == record.len() => {
                let [step, _, _, _, errno @ ..] = record;
                Poll::Ready(Err(SpawnError::at(step, c_int::from_ne_bytes(errno))))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn has_ended(&self) -> bool {
        self.handle.wait(Instant::now()).unwrap_or(false)
    }

    fn has_executed(&self) -> bool {
        ProcStat::of(self.pid).is_ok_and(|stat| stat.has_executed)
    }

    /// Returns the process, which executes its program.
    pub fn into_process(self) -> (Pid, PidFd) {
        (self.pid, self.handle)
    }

    /// Reaps a child that has reported a failure or was killed. One that hangs even in its exit stays a child.
    pub fn reap(self) {
        if self.handle.wait(Instant::now() + EXIT_TIMEOUT).unwrap_or(false) {
            // SAFETY: takes integers; with no pointer nothing is written.
            unsafe { libc::waitpid(self.pid.as_raw(), null_mut(), libc::WNOHANG) };
        }
    }

    /// Waits until the child does not share the parent's descriptors any more, or has ended.
    pub(super) fn wait_until_unshared(&self) -> io::Result<()> {
        let deadline = Instant::now() + UNSHARE_TIMEOUT;
        loop {
            let mut fds = [self.report.as_fd(), self.handle.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, timeout_until(deadline)) {
                Err(Errno::EINTR) => {}
                Ok(0) if Instant::now() < deadline => {}
                Ok(1..) => break,
                // Another process has suspended it in this moment.
                Ok(_) => return Err(io::Error::from_raw_os_error(libc::EAGAIN)),
                Err(errno) => return Err(errno.into()),
            }
        }
        let mut byte = [0];
        let _ = read(&self.report, &mut byte);
        debug_assert!(matches!(byte, [0 | UNSHARED]));
        Ok(())
    }
}

impl AsFd for PendingChild {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.report.as_fd()
    }
}
