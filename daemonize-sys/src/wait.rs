//! The ends and changes of children (`waitpid(2)`, `waitid(2)`): nix refuses the realtime signals, and reports less.

use crate::pid::Pid;
use crate::signal::Signal;
use crate::syscall::syscall_result;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// The child whose end one part of the program waits for; 0 if there is none.
static CLAIMED: AtomicI32 = AtomicI32::new(0);

/// Claims a child, so that another part of the program that reaps all children leaves it alone; `None` ends the claim.
pub fn claim(child: Option<Pid>) {
    CLAIMED.store(child.map_or(0, Pid::as_raw), SeqCst);
}

/// Returns `true` if this child is claimed, and must not be reaped by other parts.
pub fn is_claimed(child: Pid) -> bool {
    CLAIMED.load(SeqCst) == child.as_raw()
}

/// Reaps exactly this child (`waitpid(2)`), which must have ended or be about to.
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

/// Reaps any child that has ended (`waitpid(2)`); `None` if none has. Does not block.
pub fn reap_any() -> io::Result<Option<(Pid, Ended)>> {
    let mut status = 0;
    // SAFETY: the pointer is to an integer of ours.
    let pid = syscall_result(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map(|pid| (pid, Ended::from_raw(status))))
}

/// A change of a child's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has ended, with this status or by this signal.
    Ended(Ended),
    /// A signal has suspended it.
    Suspended,
    /// It goes on.
    Continued,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an exit status.
    Status(i32),
    /// By a signal.
    Signal(Signal),
}

impl Ended {
    /// Reads the status that `wait(2)` reports for a process that has ended.
    pub fn from_raw(status: i32) -> Ended {
        if libc::WIFSIGNALED(status) {
            Ended::Signal(Signal::from(libc::WTERMSIG(status)))
        } else {
            Ended::Status(libc::WEXITSTATUS(status))
        }
    }

    /// Returns the status as `wait(2)` reports it, without the mark of a core dump.
    pub fn as_raw(self) -> i32 {
        match self {
            Ended::Status(status) => libc::W_EXITCODE(status, 0),
            Ended::Signal(signal) => libc::W_EXITCODE(0, signal.as_raw()),
        }
    }

    /// Returns the exit status with which a shell reports it: 128 and the signal's number after a fatal signal.
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

/// All changes there are.
const ALL: i32 = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED;

/// Returns a child whose state has changed, without taking the change; `None` if no child's state has.
pub fn peek_any() -> Option<Pid> {
    waitid(libc::P_ALL, 0, ALL | libc::WNOWAIT).ok().flatten().map(|(pid, _)| pid)
}

/// Returns `true` if this process has a child, dead or alive.
pub fn has_children() -> bool {
    waitid(libc::P_ALL, 0, ALL | libc::WNOWAIT).is_ok()
}

/// Takes the next change of this child; a child that has ended is reaped.
pub fn take(child: Pid) -> io::Result<Option<Change>> {
    let number = child.as_raw().unsigned_abs();
    Ok(waitid(libc::P_PID, number, ALL)?.map(|(_, change)| change))
}

/// Takes the next change of this child as [`take`] does, but leaves a child that has ended as a zombie.
pub fn take_unless_dead(child: Pid) -> io::Result<Option<Change>> {
    let number = child.as_raw().unsigned_abs();
    match waitid(libc::P_PID, number, ALL | libc::WNOWAIT)? {
        Some((_, Change::Ended(ended))) => Ok(Some(Change::Ended(ended))),
        None => Ok(None),
        Some(_) => take(child),
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
