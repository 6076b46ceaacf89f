//! Learning how a child ended; nix refuses the realtime signals.

use super::cvt;
use crate::pid::Pid;
use crate::signal::Signal;
use std::fmt;
use std::io;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Death(pub(crate) i32);

/// `waitpid(2)` for exactly this child, which must have ended or be about to.
pub(crate) fn reap(pid: Pid) -> io::Result<Death> {
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
pub(crate) fn reap_any() -> io::Result<Option<(Pid, Death)>> {
    let mut status = 0;
    // SAFETY: the pointer is to an integer of ours.
    let pid = cvt(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map(|pid| (pid, Death(status))))
}

impl Death {
    /// Returns the exit status with which a shell tells of it: 128 and the signal's number after a fatal signal.
    pub(crate) fn shell_status(self) -> u8 {
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
