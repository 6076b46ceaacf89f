//! Waits for children (`waitpid(2)`, `waitid(2)`). nix is not used, since it rejects statuses with realtime signals.

use crate::pid::Pid;
use crate::signal::Signal;
use crate::syscall::syscall_result;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// The claimed child; 0 if there is none.
static CLAIMED: AtomicI32 = AtomicI32::new(0);

/// Claims a child, so that code that reaps all children does not reap this one. `None` ends the claim.
pub fn claim(child: Option<Pid>) {
    CLAIMED.store(child.map_or(0, Pid::as_raw), SeqCst);
}

/// Returns `true` if this child is claimed, so that only the claimant may reap it.
pub fn is_claimed(child: Pid) -> bool {
    CLAIMED.load(SeqCst) == child.as_raw()
}

/// Reaps this child (`waitpid(2)`). Blocks until it ends.
pub fn reap(pid: Pid) -> io::Result<Ended> {
    let mut status = 0;
    loop {
        // SAFETY: the pointer is to an integer of ours.
        match syscall_result(unsafe { libc::waitpid(pid.as_raw(), &raw mut status, 0) }.into()) {
            Ok(_) => return Ok(Ended::from_raw(status)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reaps any child that has ended (`waitpid(2)`, `WNOHANG`); `None` if there is none.
pub fn reap_any() -> io::Result<Option<(Pid, Ended)>> {
    let mut status = 0;
    // SAFETY: the pointer is to an integer of ours.
    let pid = syscall_result(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map(|pid| (pid, Ended::from_raw(status))))
}

/// A change of a child's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The child has ended.
    Ended(Ended),
    /// A signal has stopped the child.
    Suspended,
    /// The child has continued after a stop.
    Continued,
}

/// The exit status or the fatal signal of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an exit status.
    Status(i32),
    /// By a signal.
    Signal(Signal),
}

impl Ended {
    /// Converts the status of `wait(2)` of a process that has ended.
    pub fn from_raw(status: i32) -> Ended {
        if libc::WIFSIGNALED(status) {
            Ended::Signal(Signal::from(libc::WTERMSIG(status)))
        } else {
            Ended::Status(libc::WEXITSTATUS(status))
        }
    }

    /// Returns the status of `wait(2)`, without the core dump flag.
    pub fn as_raw(self) -> i32 {
        match self {
            Ended::Status(status) => libc::W_EXITCODE(status, 0),
            Ended::Signal(signal) => libc::W_EXITCODE(0, signal.as_raw()),
        }
    }

    /// Returns the exit status of a shell: 128 plus the signal number after a fatal signal.
    pub fn shell_status(self) -> u8 {
        let status = match self {
            Ended::Status(status) => status,
            Ended::Signal(signal) => 128 + signal.as_raw(),
        };
        u8::try_from(status).unwrap_or(u8::MAX)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Status(status) => write!(f, "exited with status {status}"),
            Ended::Signal(signal) => write!(f, "was killed by signal {} ({signal})", signal.as_raw()),
        }
    }
}

/// All state changes.
const ALL_CHANGES: i32 = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED;

/// Returns a child whose state has changed, without consuming the change (`waitid(2)`, `WNOWAIT`); `None` if there is none.
pub fn peek_any() -> Option<Pid> {
    waitid(libc::P_ALL, 0, ALL_CHANGES | libc::WNOWAIT).ok().flatten().map(|(pid, _)| pid)
}

/// Returns `true` if this process has a child, including zombies.
pub fn has_children() -> bool {
    waitid(libc::P_ALL, 0, ALL_CHANGES | libc::WNOWAIT).is_ok()
}

/// Consumes the next state change of this child (`waitid(2)`). A child that has ended is reaped.
pub fn take(child: Pid) -> io::Result<Option<Change>> {
    let number = child.as_raw().unsigned_abs();
    Ok(waitid(libc::P_PID, number, ALL_CHANGES)?.map(|(_, change)| change))
}

/// Consumes the next state change of this child as [`take`] does, but does not reap a child that has ended.
pub fn take_unless_dead(child: Pid) -> io::Result<Option<Change>> {
    let number = child.as_raw().unsigned_abs();
    match waitid(libc::P_PID, number, ALL_CHANGES | libc::WNOWAIT)? {
        Some((_, Change::Ended(ended))) => Ok(Some(Change::Ended(ended))),
        None => Ok(None),
        Some(_) => take(child),
    }
}

/// Reaps this child if it has ended (`waitid(2)`, `P_PIDFD`). Returns `None` while it runs, and if its status was taken by other
/// code of this process, or dropped because SIGCHLD is ignored. Never takes the status of another child with the same number.
pub fn reap_process(child: impl AsFd) -> Option<Ended> {
    let fd = child.as_fd().as_raw_fd().unsigned_abs();
    match waitid(libc::P_PIDFD, fd, libc::WEXITED) {
        Ok(Some((_, Change::Ended(ended)))) => Some(ended),
        _ => None,
    }
}

fn waitid(kind: libc::idtype_t, id: libc::id_t, options: i32) -> io::Result<Option<(Pid, Change)>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the pointer is to a siginfo of ours, which the call fills in; nothing is waited for.
    syscall_result(unsafe { libc::waitid(kind, id, info.as_mut_ptr(), options | libc::WNOHANG) }.into())?;
    // SAFETY: all zeroes is a valid siginfo, and what the call has written is one.
    let info = unsafe { info.assume_init() };
    // SAFETY: these fields are those of a SIGCHLD, and zero when no child has changed.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let change = match info.si_code {
        libc::CLD_EXITED => Change::Ended(Ended::Status(status)),
        libc::CLD_KILLED | libc::CLD_DUMPED => Change::Ended(Ended::Signal(Signal::from(status))),
        libc::CLD_CONTINUED => Change::Continued,
        _ => Change::Suspended,
    };
    Ok(Pid::from_raw(pid).map(|pid| (pid, change)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_of_wait_is_read_as_it_was_written() {
        for ended in
            [Ended::Status(0), Ended::Status(255), Ended::Signal(Signal::SIGKILL), Ended::Signal(Signal::from(64))]
        {
            assert_eq!(Ended::from_raw(ended.as_raw()), ended);
        }
        let dumped = Ended::from_raw(libc::SIGSEGV | 0x80);
        assert_eq!((dumped, dumped.shell_status()), (Ended::Signal(Signal::SIGSEGV), 139));
        assert_eq!(dumped.to_string(), "was killed by signal 11 (SIGSEGV)");
        assert_eq!((Ended::Status(7).shell_status(), Ended::Status(7).to_string()), (7, "exited with status 7".into()));
    }
}
