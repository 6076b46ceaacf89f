//! Helpers that the tests share.

use look::{Deadline, Lab, Process};
use std::time::Duration;

/// The pidfile of every daemon that has only one.
pub(crate) const PIDFILE: &str = "d.pid";

/// The timeout of events that happen immediately, on a busy machine.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a lab with the helper program.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_on-demand-lab"))
}

/// Asserts that a start or a stop left no process, no pidfile and no lock file.
#[track_caller]
pub(crate) fn nothing_left(lab: &Lab) {
    if lab.quiet(EVENT_TIMEOUT).is_err() {
        let left: Vec<_> = lab.processes().into_iter().map(|process| (process, process.stat())).collect();
        panic!("processes left behind: {left:?}");
    }
    for name in [PIDFILE, "d.pid.lock"] {
        assert!(!lab.path(name).exists(), "{name} left behind: {:?}", lab.read(name));
    }
}

/// Waits until the process has ended.
#[track_caller]
pub(crate) fn ended(process: Process) {
    look::death(process.id(), Deadline::after(EVENT_TIMEOUT)).expect("it ends");
}
