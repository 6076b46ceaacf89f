//! The ends and changes of children (`waitpid(2)`, `waitid(2)`): nix refuses the realtime signals, and reports less.

use crate::cvt;
use crate::pid::Pid;
use crate::signal::Signal;
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

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death(pub i32);

/// `waitpid(2)` for exactly this child, which must have ended or be about to.
pub fn reap(pid: Pid) -> io::Result<Death> {
    let mut status = 0;
    loop {
        // SAFETY: the pointer is to an integer of ours.
        match cvt(unsafe { libc::waitpid(pid.as_raw(), &raw mut status, 0) }.into()) {
            Ok(_) => return Ok(Death(status)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// `waitpid(2)` for any child that has ended; `None` if none has. Does not block.
pub fn reap_any() -> io::Result<Option<(Pid, Death)>> {
    let mut status = 0;
    // SAFETY: the pointer is to an integer of ours.
    let pid = cvt(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map(|pid| (pid, Death(status))))
}

impl Death {
    /// Returns the exit status with which a shell tells of it: 128 and the signal's number after a fatal signal.
    pub fn shell_status(self) -> u8 {
        let killed = libc::WIFSIGNALED(self.0);
        let status = if killed { 128 + libc::WTERMSIG(self.0) } else { libc::WEXITSTATUS(self.0) };
        u8::try_from(status).unwrap_or(u8::MAX)
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if libc::WIFSIGNALED(self.0) {
            let number = libc::WTERMSIG(self.0);
            write!(f, "was killed by signal {number} ({})", Signal::from(number))
        } else {
            write!(f, "exited with status {}", libc::WEXITSTATUS(self.0))
        }
    }
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

/// All changes there are.
const ALL: i32 = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED;

/// Some child whose state has changed, which it will be told again; `None` when there is none.
pub fn peek_any() -> Option<Pid> {
    waitid(libc::P_ALL, 0, ALL | libc::WNOWAIT).ok().flatten().map(|(pid, _)| pid)
}

/// Whether there is any child at all, dead or alive.
pub fn has_children() -> bool {
    waitid(libc::P_ALL, 0, ALL | libc::WNOWAIT).is_ok()
}

/// The next change of this child, which is thereby taken; a child that ended is no more.
pub fn take(child: Pid) -> io::Result<Option<Change>> {
    let number = child.as_raw().unsigned_abs();
    Ok(waitid(libc::P_PID, number, ALL)?.map(|(_, change)| change))
}

/// The same, but a child that ended stays a zombie, which is told again.
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
    cvt(unsafe { libc::waitid(kind, id, info.as_mut_ptr(), options | libc::WNOHANG) }.into())?;
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
