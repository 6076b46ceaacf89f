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
