//! A process of a start by exec is killed at any time: nothing of the start remains.

use crate::common::{EVENT_TIMEOUT, PIDFILE, ended, lab, nothing_left};
use look::{Deadline, Lab, Process, Running};
use nix::sys::signal::Signal;
use std::thread;
use std::time::Duration;

/// The times at which the starting process is killed, in steps of 800 µs: a start takes about 10 ms.
const STEPS: u32 = 15;

/// Starts a daemon that is never ready, and returns when the pidfile names it.
fn start_slowly(lab: &Lab) -> (Running<'_>, Process) {
    let starting = lab.helper(&["exec", "tokio", "start", "body=never"]).within(EVENT_TIMEOUT).spawn();
    let deadline = Deadline::after(EVENT_TIMEOUT);
    look::file(&lab.path(PIDFILE), deadline, |content| content.contains(&b'\n')).expect("a pidfile");
    let daemon = lab.daemon(PIDFILE);
    (starting, daemon)
}

/// Promise 12.06.
#[test]
fn death_of_the_starting_process_undoes_the_start() {
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let lab = lab();
        let (starting, _) = start_slowly(&lab);
        starting.signal(signal);
        starting.finish();
        nothing_left(&lab);
    }
}

/// Promise 12.06. A launcher that is killed before it has forked leaves an empty pidfile, as it does without exec: no process is left that could
/// remove it, and the next start takes it.
#[test]
fn death_of_the_starting_process_at_any_time_leaves_no_process_and_no_lock() {
    for step in 0..STEPS {
        let lab = lab();
        let starting = lab.helper(&["exec", "tokio", "start", "body=never"]).within(EVENT_TIMEOUT).spawn();
        thread::sleep(Duration::from_micros(800) * step);
        starting.signal(Signal::SIGKILL);
        starting.finish();
        lab.quiet(EVENT_TIMEOUT).expect("no process is left");
        assert_eq!(lab.read(PIDFILE), "", "a pidfile that names a process");
        lab.run(&["exec", "tokio", "start"]).ok();
        let daemon = lab.daemon(PIDFILE);
        daemon.signal(Signal::SIGTERM);
        ended(daemon);
        nothing_left(&lab);
    }
}

#[test]
fn death_of_the_new_process_is_the_error_of_the_start() {
    let lab = lab();
    let (starting, daemon) = start_slowly(&lab);
    let session_leader = Process::new(daemon.stat().expect("it lives").parent);
    let launcher = Process::new(session_leader.stat().expect("it lives").parent);
    // The call returns when the session leader, which is stopped for a moment, has undone the start.
    session_leader.signal(Signal::SIGSTOP);
    launcher.signal(Signal::SIGKILL);
    ended(launcher);
    thread::sleep(Duration::from_millis(200));
    assert!(starting.process().alive(), "the call has not waited for the session leader");
    session_leader.signal(Signal::SIGCONT);
    starting.finish().exits(2).says(&["failed to start `sleeper` by exec: the new process was killed by signal 9"]);
    assert!(!lab.path(PIDFILE).exists() && !daemon.alive(), "the start is not undone yet");
    nothing_left(&lab);
}
