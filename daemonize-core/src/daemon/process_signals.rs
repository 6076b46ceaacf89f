//! Reads from `/proc` which signals a process handles, and the names by which the threads of a daemon show its state (`proc(5)`).

use crate::pid::Pid;
use crate::signal::Signal;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Read};

/// The number of threads that are examined: the signal thread is among the first that a daemon makes.
const MAX_THREADS: usize = 64;

/// The longest `/proc/PID/status` that is read, in bytes: supplementary groups take most of it, and there may be 65536.
const MAX_STATUS_SIZE: u64 = 1 << 20;

/// The signal sets of a process, and of its main thread.
pub(super) struct SignalSets(String);

impl SignalSets {
    /// Reads the sets.
    ///
    /// # Errors
    /// The process has ended, or `/proc` hides it.
    pub(super) fn of(pid: Pid) -> io::Result<SignalSets> {
        let mut status = Vec::new();
        File::open(format!("/proc/{pid}/status"))?.take(MAX_STATUS_SIZE).read_to_end(&mut status)?;
        Ok(SignalSets(String::from_utf8_lossy(&status).into_owned()))
    }

    /// Returns `true` if the process has a handler of the signal.
    pub(super) fn is_caught(&self, signal: Signal) -> bool {
        self.has("SigCgt:", signal)
    }

    /// Returns `true` if the process ignores the signal.
    pub(super) fn is_ignored(&self, signal: Signal) -> bool {
        self.has("SigIgn:", signal)
    }

    /// Returns `true` if the main thread blocks the signal.
    pub(super) fn is_blocked(&self, signal: Signal) -> bool {
        self.has("SigBlk:", signal)
    }

    /// Returns `true` if the signal waits for the process or its main thread to take it.
    pub(super) fn is_pending(&self, signal: Signal) -> bool {
        self.has("SigPnd:", signal) || self.has("ShdPnd:", signal)
    }

    /// Returns `true` if the signal is in this set. Bit 0 is signal 1.
    fn has(&self, set: &str, signal: Signal) -> bool {
        let set = self.0.lines().find_map(|line| line.strip_prefix(set));
        let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
        set >> (signal.as_raw() - 1) & 1 == 1
    }
}

/// The names of the first threads of a process.
pub(super) struct ThreadNames(Vec<Vec<u8>>);

impl ThreadNames {
    /// Reads the names. A thread that ends meanwhile has none.
    ///
    /// # Errors
    /// The process has ended, or `/proc` hides it.
    pub(super) fn of(pid: Pid) -> io::Result<ThreadNames> {
        let mut names = Vec::new();
        for thread in fs::read_dir(format!("/proc/{pid}/task"))?.take(MAX_THREADS) {
            let mut name = Vec::new();
            let read = File::open(thread?.path().join("comm")).and_then(|file| file.take(64).read_to_end(&mut name));
            if read.is_ok() {
                names.push(name.trim_ascii_end().to_owned());
            }
        }
        Ok(ThreadNames(names))
    }

    /// Returns `true` if a thread has this name.
    pub(super) fn contain(&self, name: &CStr) -> bool {
        self.0.iter().any(|thread| thread == name.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_signals_are_read_from_the_status() {
        let status = "Name:\tx\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000004000\nSigCgt:\t00000001800044a0\n";
        let (term, hup) = (Signal::SIGTERM, Signal::SIGHUP);
        let sets = |status: &str| SignalSets(status.to_owned());
        assert!(sets(status).is_pending(term) && sets(status).is_caught(term) && !sets(status).is_caught(hup));
        let taken = sets(&status.replace("ShdPnd:\t0000000000004000", "ShdPnd:\t0000000000002001"));
        assert!(!taken.is_pending(term) && taken.is_pending(hup));
        for wrong in ["", "SigCgt:\tzz\n"] {
            assert!(!sets(wrong).is_caught(term) && !sets(wrong).is_blocked(term) && !sets(wrong).is_ignored(term));
        }
    }

    #[test]
    fn thread_of_this_test_has_its_name() {
        let name = c"an-odd-name";
        std::thread::scope(|scope| {
            scope.spawn(|| {
                nix::sys::prctl::set_name(name).expect("a short name");
                assert!(ThreadNames::of(Pid::this()).expect("threads").contain(name));
            });
        });
        assert!(!ThreadNames::of(Pid::this()).expect("threads").contain(c"no-such-name"));
    }
}
