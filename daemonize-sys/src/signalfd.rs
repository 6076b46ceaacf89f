//! Reads signals from a file descriptor (`signalfd(2)`), and forwards them to another process.

use super::siginfo;
use super::signal_mask::Mask;
use crate::pid::Pid;
use crate::signal::Signal;
use crate::syscall::syscall_result;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;

/// A non-blocking file descriptor for the signals of a set, which callers must block.
pub struct SignalQueue(SignalFd);

impl SignalQueue {
    /// Opens a file descriptor for the signals of this set (`signalfd(2)`), close-on-exec.
    pub fn of(mask: &Mask) -> io::Result<SignalQueue> {
        // SAFETY: the set is initialised; the numbers that nix has no names for are only passed on to the kernel.
        let set = unsafe { SigSet::from_sigset_t_unchecked(*mask.as_raw()) };
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(SignalQueue(SignalFd::with_flags(&set, flags)?))
    }

    /// Reads the next pending signal of the calling process; `None` if there is none.
    pub fn take(&self) -> Option<Received> {
        let info = self.0.read_signal().ok().flatten()?;
        Some(Received {
            signal: Signal::from(i32::try_from(info.ssi_signo).ok()?),
            code: info.ssi_code,
            sender: i32::try_from(info.ssi_pid).unwrap_or(0),
            user: info.ssi_uid,
            // The field has 64 bits, the value those of a pointer.
            value: usize::try_from(info.ssi_ptr).unwrap_or(0),
        })
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A received signal and its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The signal.
    pub signal: Signal,
    /// The `si_code` of `sigaction(2)`.
    pub code: libc::c_int,
    /// The pid of the sender; 0 for a process of another pid namespace, and for the kernel.
    pub sender: libc::pid_t,
    /// The real user id of the sender.
    pub user: libc::uid_t,
    /// The value that was queued with it.
    pub value: usize,
}

impl Received {
    /// Returns `true` if the kernel sent the signal, for example for a terminal.
    pub fn is_of_kernel(&self) -> bool {
        self.code == libc::SI_KERNEL
    }

    /// Forwards the signal to another process. A queued signal keeps its value, and so the mark of the library (`rt_sigqueueinfo(2)`).
    /// Other signals are sent by `kill(2)`, since the kernel does not allow a forged sender.
    pub fn send_to(&self, pid: Pid) -> io::Result<()> {
        let (number, signal) = (pid.as_raw(), self.signal.as_raw());
        if self.code != libc::SI_QUEUE {
            // SAFETY: takes two integers and touches no memory of ours.
            return syscall_result(unsafe { libc::kill(number, signal) }.into()).map(drop);
        }
        let info = siginfo::queued(self.signal, self.sender, self.user, self.value);
        // SAFETY: the kernel only reads the siginfo, which outlives the call.
        syscall_result(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, number, signal, ptr::from_ref(&info)) })
            .map(drop)
    }
}
