//! Launches by exec from the tests of a crate, whose `main` belongs to the test harness.
//!
//! The harness runs each test in a thread, and a launcher must have one only. So the hidden test forks, while the main thread of the
//! harness waits for it: the child is the launcher.

use crate::launcher;
use crate::link::{Link, forget_variable};
use daemonize_sys::error::cause;
use daemonize_sys::fork::{Fork, exit_now, fork_beside_waiting_main};
use daemonize_sys::wait;
use nix::sys::prctl;
use nix::unistd::getppid;
use std::io::{self, Write};
use std::process;

/// The exit status of a process that could not become a launcher.
const FAILED: u8 = 2;

/// Runs the launcher, if this process was executed for that. Called by the hidden test of `test_support!`.
pub fn launch_in_test() {
    let Some(link) = Link::take() else { return };
    let harness = process::id();
    match fork_beside_waiting_main() {
        Ok(Fork::Child) => {
            let is_tied = prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).is_ok();
            if !is_tied || getppid().as_raw().unsigned_abs() != harness {
                exit_now(FAILED);
            }
            forget_variable();
            launcher::run(&link)
        }
        Ok(Fork::Parent(child)) => {
            let ended = wait::reap(child);
            exit_now(ended.map_or(FAILED, wait::Ended::shell_status))
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "failed to launch a daemon from a test: {}", cause(&error));
            exit_now(FAILED)
        }
    }
}
