//! Detects a program that has replaced the daemon's SIGTERM handler, from `/proc` (see `proc(5)`).

use crate::pid::Pid;
use crate::signal::Signal;
use crate::signals::STOPPING_THREAD_NAME;
use std::fs::{self, File};
use std::io::{self, Read};

/// The number of threads that are examined: the signal thread is among the first that a daemon makes.
const MAX_THREADS: usize = 64;

/// The longest `/proc/PID/status` that is read, in bytes: supplementary groups take most of it, and there may be 65536.
const MAX_STATUS_SIZE: u64 = 1 << 20;

/// Returns `true` if the process has taken SIGTERM but its daemon has not: the program has replaced the daemon's handler. Returns
/// `false` if `/proc` does not show that.
pub(super) fn is_handled_by_program(pid: Pid) -> bool {
    // In this order: a daemon that takes the signal between the two checks is not mistaken for such a program.
    let is_taken = status(pid).is_ok_and(|status| is_caught(&status) && !is_pending(&status));
    is_taken && !is_stopping(pid).unwrap_or(true)
}

/// Returns `true` if the daemon's signal thread has taken a stop signal: it shows that by its name.
fn is_stopping(pid: Pid) -> io::Result<bool> {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))?.take(MAX_THREADS) {
        let mut name = Vec::new();
        File::open(thread?.path().join("comm"))?.take(64).read_to_end(&mut name)?;
        if name.trim_ascii_end() == STOPPING_THREAD_NAME.to_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn status(pid: Pid) -> io::Result<String> {
    let mut status = Vec::new();
    File::open(format!("/proc/{pid}/status"))?.take(MAX_STATUS_SIZE).read_to_end(&mut status)?;
    Ok(String::from_utf8_lossy(&status).into_owned())
}

fn is_caught(status: &str) -> bool {
    has(status, "SigCgt:")
}

fn is_pending(status: &str) -> bool {
    has(status, "SigPnd:") || has(status, "ShdPnd:")
}

/// Returns `true` if SIGTERM is in this signal set of the status file. Bit 0 is signal 1.
fn has(status: &str, set: &str) -> bool {
    let set = status.lines().find_map(|line| line.strip_prefix(set));
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
    set >> (Signal::SIGTERM.as_raw() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_signals_are_read_from_the_status() {
        let status = "Name:\tx\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigCgt:\t00000001800044a0\n";
        assert!(is_pending(status) && is_caught(status));
        let taken = status.replace("ShdPnd:\t0000000000004000", "ShdPnd:\t0000000000002000");
        assert!(!is_pending(&taken) && is_caught(&taken));
        assert!(!is_caught("") && !is_caught("SigCgt:\tzz\n"));
    }

    #[test]
    fn process_that_catches_nothing_does_not_handle_the_signal() {
        assert!(!is_handled_by_program(Pid::this()));
    }
}
