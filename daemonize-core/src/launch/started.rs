//! The result of a successful start.

use crate::pid::Pid;
use crate::stdout;
use crate::sys::fork::exit_now;
use std::path::PathBuf;

/// A daemon that was started and is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// The daemon.
    pub pid: Pid,
    /// The path of the daemon's pidfile; empty if it runs without one.
    pub pidfile: PathBuf,
    /// The daemon's output on stdout until it was ready (the first 64 KiB).
    pub output: Vec<u8>,
    /// The daemon's output on stderr until it was ready (the first 64 KiB).
    pub errors: Vec<u8>,
}

impl Started {
    /// Said from inside the daemon.
    pub(crate) fn here(pidfile: PathBuf) -> Started {
        Started { pid: Pid::this(), pidfile, output: Vec::new(), errors: Vec::new() }
    }

    /// Prints what the start said, on stdout and stderr, and ends the launcher with status 0.
    ///
    /// The process ends by `_exit(2)`: handlers registered with `atexit(3)` do not run, and `Drop`s do not either.
    pub fn report(self) -> ! {
        stdout::copy_out(&self.output, &self.errors);
        exit_now(0)
    }
}
