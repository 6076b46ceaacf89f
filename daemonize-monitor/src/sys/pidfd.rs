//! Processes and their groups by identity instead of by number (`pidfd_open(2)`).

use super::cvt;
use daemonize_core::__private::send_stop_to_group;
use daemonize_core::{Pid, Signal};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// `PIDFD_SIGNAL_PROCESS_GROUP` (Linux 6.9): the group that this process leads, or led.
const PROCESS_GROUP: libc::c_uint = 4;

/// `PID_FS_MAGIC` of `linux/magic.h`.
#[cfg(target_pointer_width = "64")]
const PIDFS: nix::sys::statfs::FsType = nix::sys::statfs::FsType(0x5049_4446);

/// This kernel is too old for it.
static NUMBERS_ONLY: AtomicBool = AtomicBool::new(false);

/// Whether this kernel knows groups by their numbers only: then whoever made one has to stay, if only as a zombie, for as
/// long as it is to be known. True or false for good once a group was asked for.
pub(crate) fn knows_groups_by_number() -> bool {
    NUMBERS_ONLY.load(Relaxed)
}

/// A process that stays the same one whatever happens to its number.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// `pidfd_open(2)`; `ESRCH` when there is no such process.
    pub(crate) fn open(pid: Pid) -> io::Result<PidFd> {
        // SAFETY: takes two integers and touches no memory of ours.
        let fd = cvt(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
        Ok(PidFd::own(RawFd::try_from(fd).map_err(io::Error::other)?))
    }

    /// Takes over a descriptor that a call has just made for us alone.
    pub(super) fn own(fd: RawFd) -> PidFd {
        // SAFETY: the kernel made it (close-on-exec) for whoever calls, who passes it on once.
        PidFd(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Returns a number that no other process has before the machine is booted again (Linux 6.9 and newer; before that all
    /// descriptors looked alike). `None` on 32-bit targets, whose inode numbers repeat.
    #[cfg(target_pointer_width = "64")]
    pub(crate) fn identity(&self) -> Option<u64> {
        use nix::sys::{stat::fstat, statfs::fstatfs};
        let is_told = fstatfs(&self.0).is_ok_and(|system| system.filesystem_type() == PIDFS);
        is_told.then(|| fstat(&self.0).ok()).flatten().map(|status| status.st_ino)
    }

    /// Returns `None`: on this target, no number tells processes apart for ever.
    #[cfg(not(target_pointer_width = "64"))]
    #[allow(clippy::unused_self)] // As on the other targets.
    pub(crate) fn identity(&self) -> Option<u64> {
        None
    }

    /// `pidfd_send_signal(2)`: reaches exactly this process, or fails with `ESRCH`.
    pub(crate) fn send(&self, signal: Signal) -> io::Result<()> {
        self.send_with(signal.as_raw(), 0)
    }

    /// Reaches everybody in the group that this process made, `leader` being its number. Fails with `ESRCH` when nobody
    /// is in it, and never reaches another group of that number: before Linux 6.9, because the process was not reaped.
    pub(crate) fn send_group(&self, leader: Pid, signal: Signal) -> io::Result<()> {
        self.group(leader, signal.as_raw())
    }

    /// Sends a signal of a stop to all processes of the group, with the mark of the library: see [`send_group`](PidFd::send_group). With
    /// `hurries`, daemons of the library cut short what they are at; without it, one that is stopping already is not hurried.
    /// Before Linux 6.9 it is sent without a mark.
    pub(crate) fn send_stop_to_group(&self, leader: Pid, signal: Signal, hurries: bool) -> io::Result<()> {
        if !NUMBERS_ONLY.load(Relaxed) {
            match send_stop_to_group(self.0.as_fd(), signal, hurries) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                outcome => return outcome,
            }
        }
        self.send_group(leader, signal)
    }

    /// Whether anybody is in the group that this process made, a zombie included.
    pub(crate) fn has_group(&self, leader: Pid) -> bool {
        !matches!(self.group(leader, 0), Err(error) if error.raw_os_error() == Some(libc::ESRCH))
    }

    fn group(&self, leader: Pid, signal: i32) -> io::Result<()> {
        if !NUMBERS_ONLY.load(Relaxed) {
            match self.send_with(signal, PROCESS_GROUP) {
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => NUMBERS_ONLY.store(true, Relaxed),
                other => return other,
            }
        }
        let number = leader.as_raw();
        // SAFETY: takes and touches nothing.
        if number <= 1 || number == unsafe { libc::getpgrp() } {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        // SAFETY: takes two integers and touches no memory of ours.
        cvt(unsafe { libc::kill(-number, signal) }.into()).map(drop)
    }

    fn send_with(&self, signal: i32, flags: libc::c_uint) -> io::Result<()> {
        let info: *const libc::siginfo_t = std::ptr::null();
        // SAFETY: a null siginfo asks the kernel to fill it in as kill(2) does.
        cvt(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal, info, flags) }).map(drop)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
