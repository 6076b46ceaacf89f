//! Helpers of the tests of instances and clients.

use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

/// Time enough for whatever ought to happen at once, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// The pidfile of the instance of a lab, in its directory `app`.
pub(crate) const PIDFILE: &str = "app/.pid";

/// A lab with the helper program `single-instance`.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_single-instance"))
}

/// A first instance that runs.
pub(crate) struct First<'lab> {
    pub(crate) program: Running<'lab>,
    pub(crate) process: Process,
    /// The first of its addresses.
    pub(crate) address: String,
}

/// Starts an instance that must become the first, and waits until it is.
#[track_caller]
pub(crate) fn hold<'lab>(lab: &'lab Lab, settings: &[&str]) -> First<'lab> {
    // It lives as long as the test needs it, which is minutes for thousands of calls on a busy machine.
    let program = lab.helper(&["hold", "app"]).args(settings).within(SOON * 20).spawn();
    let process = program.process();
    let mark = format!("primary {} ", process.id());
    let log = lab.wait_for("log", SOON, |log| log.lines().any(|line| line.starts_with(&mark)));
    let line = log.lines().find(|line| line.starts_with(&mark)).expect("it is there").to_owned();
    // It goes on to wait, or to sleep.
    wait_for_state(process, 'S');
    First { program, process, address: line[mark.len()..].to_owned() }
}

/// Asks the instance of a lab something that must succeed; what it answers.
#[track_caller]
pub(crate) fn call(lab: &Lab, call: &[&str]) -> String {
    lab.helper(&["call", "app"]).args(call).run().ok().stdout.trim().to_owned()
}

/// Asks whatever a pidfile names.
pub(crate) fn client(lab: &Lab, pidfile: &str, call: &[&str]) -> Outcome {
    lab.helper(&["client", pidfile]).args(call).run()
}

/// Stops a process as a debugger would, and returns when every thread of it stands still.
#[track_caller]
pub(crate) fn freeze(process: Process) {
    process.signal(Signal::SIGSTOP);
    process.threads().into_iter().for_each(|thread| wait_for_state(thread, 'T'));
}

/// Waits until a thread is in this state, which no event reports.
#[track_caller]
pub(crate) fn wait_for_state(thread: Process, state: char) {
    let deadline = Deadline::after(SOON);
    while thread.stat().is_some_and(|stat| stat.state != state) {
        assert!(!deadline.passed(), "it does not come to state {state}");
        std::thread::yield_now();
    }
}

/// How often a line stands in the lab's log.
pub(crate) fn times_in_log(lab: &Lab, line: &str) -> usize {
    lab.read("log").lines().filter(|found| *found == line).count()
}

/// How often a loop runs: `quick` times, or `full` times when `DAEMON_TESTS_FULL=1`.
pub(crate) fn times(quick: usize, full: usize) -> usize {
    if std::env::var_os("DAEMON_TESTS_FULL").is_some_and(|value| value == "1") { full } else { quick }
}

/// Asserts that the test runs as root, which it cannot do without.
#[track_caller]
pub(crate) fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}
