//! Finds out what became of a SIGTERM that a living daemon was sent, as far as `/proc` shows.

use crate::pid::Pid;
use crate::signal::Signal;
use crate::signals::STOPPING_THREAD_NAME;
use std::fs::{self, File};
use std::io::{self, Read};

/// How many threads of a daemon are looked at: its signal thread is among the first that it makes.
const MOST_THREADS: usize = 64;

/// The longest `/proc/PID/status` that is read; nearly all of it are supplementary groups, of which there may be 65536.
const LONGEST_STATUS: u64 = 1 << 20;

/// Returns `true` if the program has taken the signal and its daemon has not: a handler of the program's own stands in
/// place of the daemon's. `false` where that cannot be seen.
pub(super) fn is_handled_by_the_program(pid: Pid) -> bool {
    // In this order: a daemon that takes the signal between the two looks is not accused.
    let is_taken = status(pid).is_ok_and(|status| is_caught(&status) && !is_pending(&status));
    is_taken && !is_stopping(pid).unwrap_or(true)
}

/// Returns `true` if the daemon's signal thread says that it has taken a stop.
fn is_stopping(pid: Pid) -> io::Result<bool> {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))?.take(MOST_THREADS) {
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
    File::open(format!("/proc/{pid}/status"))?.take(LONGEST_STATUS).read_to_end(&mut status)?;
    Ok(String::from_utf8_lossy(&status).into_owned())
}

fn is_caught(status: &str) -> bool {
    has(status, "SigCgt:")
}

fn is_pending(status: &str) -> bool {
    has(status, "SigPnd:") || has(status, "ShdPnd:")
}

/// Returns `true` if SIGTERM is in this set of signals; `signal(7)` counts them from 1.
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
        assert!(!is_handled_by_the_program(Pid::this()));
    }
}
