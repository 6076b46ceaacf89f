//! Helpers of the tests of instances and clients.

use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process, Running};
use nix::sys::signal::Signal;

/// Timeout for events that normally occur at once, on a busy machine.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(15);

/// The pidfile of the instance of a lab, in its directory `app`.
pub(crate) const PIDFILE: &str = "app/.pid";

/// Returns a lab with the helper program `single-instance`.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_single-instance"))
}

/// A running instance.
pub(crate) struct First<'lab> {
    pub(crate) program: Running<'lab>,
    pub(crate) process: Process,
    /// The first of its addresses.
    pub(crate) address: String,
}

/// Starts an instance, and waits until it runs.
#[track_caller]
pub(crate) fn hold<'lab>(lab: &'lab Lab, settings: &[&str]) -> First<'lab> {
    // Thousands of calls take minutes on a busy machine.
    let program = lab.helper(&["hold", "app"]).args(settings).within(EVENT_TIMEOUT * 20).spawn();
    let process = program.process();
    let mark = format!("primary {} ", process.id());
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.lines().any(|line| line.starts_with(&mark)));
    let line = log.lines().find(|line| line.starts_with(&mark)).expect("it is there").to_owned();
    // Its main thread waits or sleeps next.
    wait_for_state(process, 'S');
    First { program, process, address: line[mark.len()..].to_owned() }
}

/// Calls the instance of a lab, and returns the reply. Panics if the call fails.
#[track_caller]
pub(crate) fn call(lab: &Lab, call: &[&str]) -> String {
    lab.helper(&["call", "app"]).args(call).run().ok().stdout.trim().to_owned()
}

/// Calls the process that a pidfile names.
pub(crate) fn client(lab: &Lab, pidfile: &str, call: &[&str]) -> Outcome {
    lab.helper(&["client", pidfile]).args(call).run()
}

/// Stops a process with SIGSTOP. Returns when all its threads have stopped.
#[track_caller]
pub(crate) fn freeze(process: Process) {
    process.signal(Signal::SIGSTOP);
    process.threads().into_iter().for_each(|thread| wait_for_state(thread, 'T'));
}

/// Waits until a thread is in this state (`proc_pid_stat(5)`). Polls, because no event reports it.
#[track_caller]
pub(crate) fn wait_for_state(thread: Process, state: char) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while thread.stat().is_some_and(|stat| stat.state != state) {
        assert!(!deadline.passed(), "the thread does not reach state {state}");
        std::thread::yield_now();
    }
}

/// Returns the number of occurrences of a line in the lab's log.
pub(crate) fn times_in_log(lab: &Lab, line: &str) -> usize {
    lab.read("log").lines().filter(|found| *found == line).count()
}

/// Returns the number of rounds of a loop: `quick`, or `full` with `DAEMON_TESTS_FULL=1`.
pub(crate) fn times(quick: usize, full: usize) -> usize {
    if std::env::var_os("DAEMON_TESTS_FULL").is_some_and(|value| value == "1") { full } else { quick }
}

/// Asserts that the test runs as root.
#[track_caller]
pub(crate) fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}
