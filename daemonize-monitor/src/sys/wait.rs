//! What has become of children (`waitid(2)`), which nix answers with less than is known.

use super::cvt;
use daemonize_core::{Pid, Signal};
use std::io;
use std::mem::MaybeUninit;

/// A change of a child's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has ended, with this status or by this signal.
    Ended(Ended),
    /// A signal has suspended it.
    Suspended,
    /// It goes on.
    Continued,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With an exit status.
    Status(i32),
    /// By a signal.
    Signal(Signal),
}

/// All changes there are.
const ALL: i32 = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED;

/// Some child whose state has changed, which it will be told again; `None` when there is none.
pub(crate) fn peek_any() -> Option<Pid> {
    waitid(libc::P_ALL, 0, ALL | libc::WNOWAIT).ok().flatten().map(|(pid, _)| pid)
}

/// Whether there is any child at all, dead or alive.
pub(crate) fn has_children() -> bool {
    waitid(libc::P_ALL, 0, ALL | libc::WNOWAIT).is_ok()
}

/// The next change of this child, which is thereby taken; a child that ended is no more.
pub(crate) fn take(child: Pid) -> io::Result<Option<Change>> {
    let number = child.as_raw().unsigned_abs();
    Ok(waitid(libc::P_PID, number, ALL)?.map(|(_, change)| change))
}

/// The same, but a child that ended stays a zombie, which is told again.
pub(crate) fn take_unless_dead(child: Pid) -> io::Result<Option<Change>> {
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
