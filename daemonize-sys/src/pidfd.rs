//! Processes and process groups by file descriptor instead of by number (`pidfd_open(2)`); std's `PidFd` is unstable.

use super::siginfo::{self, Purpose};
use crate::pid::Pid;
use crate::signal::Signal;
use crate::syscall::syscall_result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// `PIDFD_SIGNAL_PROCESS_GROUP` (Linux 6.9): the signal goes to the process group that the process leads, or led.
const PROCESS_GROUP: libc::c_uint = 4;

/// `PID_FS_MAGIC` of `linux/magic.h`.
#[cfg(target_pointer_width = "64")]
const PIDFS: nix::sys::statfs::FsType = nix::sys::statfs::FsType(0x5049_4446);

/// `true` once the kernel has rejected `PIDFD_SIGNAL_PROCESS_GROUP`.
static GROUPS_BY_NUMBER: AtomicBool = AtomicBool::new(false);

/// Returns `true` if this kernel signals process groups only by number. A group leader must then not be reaped before the group has
/// ended, since the kernel could reuse its number. The result is final once a group has been signalled.
pub fn knows_groups_by_number() -> bool {
    GROUPS_BY_NUMBER.load(Relaxed)
}

/// A file descriptor of a process: refers to the same process even if its pid is reused.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens a process (`pidfd_open(2)`).
    ///
    /// # Errors
    /// Returns `ESRCH` if there is no such process, or `ENOSYS` before Linux 5.3.
    pub fn open(pid: Pid) -> io::Result<PidFd> {
        // SAFETY: takes two integers and touches no memory of ours.
        let fd = syscall_result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
        Ok(PidFd::own(RawFd::try_from(fd).map_err(io::Error::other)?))
    }

    /// Takes ownership of a file descriptor that a system call has just returned.
    pub(super) fn own(fd: RawFd) -> PidFd {
        // SAFETY: the kernel made it (close-on-exec) for the caller, who passes it on once.
        PidFd(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Returns a number that is unique among all processes until the next boot: the inode in pidfs (Linux 6.9). `None` before that, and
    /// on 32-bit targets, where inode numbers repeat.
    #[cfg(target_pointer_width = "64")]
    pub fn identity(&self) -> Option<u64> {
        use nix::sys::{stat::fstat, statfs::fstatfs};
        let is_told = fstatfs(&self.0).is_ok_and(|system| system.filesystem_type() == PIDFS);
        is_told.then(|| fstat(&self.0).ok()).flatten().map(|status| status.st_ino)
    }

    /// Returns `None`: on 32-bit targets inode numbers repeat.
    #[cfg(not(target_pointer_width = "64"))]
    #[allow(clippy::unused_self)] // As on the other targets.
    pub fn identity(&self) -> Option<u64> {
        None
    }

    /// Sends a signal to this process, without a mark (`pidfd_send_signal(2)`).
    ///
    /// # Errors
    /// Returns `ESRCH` if the process has ended and was reaped.
    pub fn send(&self, signal: Signal) -> io::Result<()> {
        self.send_for(signal, Purpose::Unmarked)
    }

    /// Sends a signal to this process, marked with its purpose (`pidfd_send_signal(2)`).
    ///
    /// # Errors
    /// Returns `ESRCH` if the process has ended and was reaped.
    pub fn send_for(&self, signal: Signal, purpose: Purpose) -> io::Result<()> {
        self.send_with(signal.as_raw(), siginfo::marked(signal, purpose), 0)
    }

    /// Sends a signal to all processes of the process group that this process leads, where `leader` is its pid. Never reaches another
    /// group of that number: before Linux 6.9 (`kill(2)`), because callers do not reap the leader.
    ///
    /// # Errors
    /// Returns `ESRCH` if the group has no process.
    pub fn send_group(&self, leader: Pid, signal: Signal) -> io::Result<()> {
        self.group(leader, signal.as_raw(), None)
    }

    /// Sends a stop signal to all processes of the process group, with the mark of the library (see
    /// [`send_group`](PidFd::send_group)). With `hurries`, daemons of the library that are already stopping interrupt their shutdown
    /// work; without it they ignore the repetition. Before Linux 6.9 the signal has no mark.
    ///
    /// # Errors
    /// Returns `ESRCH` if the group has no process.
    pub fn send_stop_to_group(&self, leader: Pid, signal: Signal, hurries: bool) -> io::Result<()> {
        let purpose = if hurries { Purpose::Hurry } else { Purpose::Stop };
        self.group(leader, signal.as_raw(), siginfo::marked(signal, purpose))
    }

    /// Returns `true` if the process group that this process leads has a process, including zombies.
    pub fn has_group(&self, leader: Pid) -> bool {
        !matches!(self.group(leader, 0, None), Err(error) if error.raw_os_error() == Some(libc::ESRCH))
    }

    fn group(&self, leader: Pid, signal: i32, info: Option<libc::siginfo_t>) -> io::Result<()> {
        if !GROUPS_BY_NUMBER.load(Relaxed) {
            match self.send_with(signal, info, PROCESS_GROUP) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => GROUPS_BY_NUMBER.store(true, Relaxed),
                other => return other,
            }
        }
        let number = leader.as_raw();
        // SAFETY: takes and touches nothing.
        if number <= 1 || number == unsafe { libc::getpgrp() } {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        // SAFETY: takes two integers and touches no memory of ours.
        syscall_result(unsafe { libc::kill(-number, signal) }.into()).map(drop)
    }

    fn send_with(&self, signal: i32, info: Option<libc::siginfo_t>, flags: libc::c_uint) -> io::Result<()> {
        let info = info.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: a null siginfo asks the kernel to fill it in as kill(2) does; any other is read, and outlives the call.
        syscall_result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, info, flags) })
            .map(drop)
    }

    /// Returns `false` if the descriptor does not refer to a process: it was closed by number, and that may belong to another file by now.
    pub fn is_intact(&self) -> bool {
        // Signal 0 checks the descriptor and sends nothing (kill(2)).
        !matches!(self.send_with(0, None, 0), Err(error) if error.raw_os_error() == Some(libc::EBADF))
    }

    /// Waits until the process ends, at most until `deadline` (`poll(2)`). Returns `true` if it has ended, even if it is not reaped yet.
    pub fn wait(&self, deadline: Instant) -> io::Result<bool> {
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

impl From<OwnedFd> for PidFd {
    /// Takes a file descriptor of a process that another process has opened and passed.
    fn from(fd: OwnedFd) -> PidFd {
        PidFd(fd)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Returns the time until `deadline` in milliseconds for `poll(2)`, rounded up so that the wait does not end early.
pub fn timeout_until(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = left.as_micros().div_ceil(1000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}
