//! Signals: which ones stop a daemon, and how long that may take.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended, lab, nothing_left, run, start, stop};

pub(crate) const STOP_SIGNALS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGABRT];

/// Promise 1.15.
#[test]
fn stop_signal_ends_with_status_0() {
    for body in ["idle", "poll", "hang"] {
        for signal in STOP_SIGNALS {
            let lab = lab();
            let daemon = adopt(start(&lab, &["guard=left", &format!("body={body}")]));
            daemon.signal(signal);
            let end = daemon.died(EVENT_TIMEOUT).unwrap_or_else(|_| panic!("{signal} does not end `{body}`"));
            assert!(matches!(end, Some(WaitStatus::Exited(_, 0))), "{signal}, `{body}`: {end:?}");
            nothing_left(&lab);
            // A body that never asks is not unwound, since only the body itself could do that.
            assert_eq!(lab.read("left").contains("dropped"), body != "hang", "{signal}, `{body}`");
        }
    }
}

/// A daemon that aborts was not stopped: this must not count as a clean end.
#[test]
fn body_that_aborts_dies_of_sigabrt() {
    for body in ["abort_on_go", "kill_on_go:ABRT"] {
        let lab = lab();
        let daemon = adopt(start(&lab, &[&format!("body={body}")]));
        lab.write("go", "");
        let end = daemon.died(EVENT_TIMEOUT).expect("it dies");
        assert!(matches!(end, Some(WaitStatus::Signaled(_, Signal::SIGABRT, _))), "{body}: {end:?}");
        start(&lab, &[]);
    }
}

/// Promise 1.15.
#[test]
fn body_that_returns_ends_with_status_0() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["guard=left", "body=ask,await:go"]));
    lab.write("go", "");
    let end = daemon.died(EVENT_TIMEOUT).expect("its body returns");
    assert!(matches!(end, Some(WaitStatus::Exited(_, 0))), "{end:?}");
    nothing_left(&lab);
    assert!(lab.read("left").contains("dropped"));
}

/// Promise 1.15.
#[test]
fn sighup_reopens_the_log() {
    let lab = lab();
    let daemon = start(&lab, &["stdout=log", "stderr=log", "handle=HUP:say:rotated,note:handled"]);
    fs::rename(lab.path("log"), lab.path("log.1")).unwrap();
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("handled", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert!(daemon.alive());
    assert!(daemon.descriptors()[&1].is(lab.path("log")), "{:?}", daemon.descriptors());
    stop(&lab);
    assert!(lab.read("log").contains("rotated"), "the handler ran before the log was reopened");
}

/// Promise 1.15.
#[test]
fn second_signal_ends_the_grace_but_not_the_cleanup() {
    let lab = lab();
    let daemon = start(&lab, &["grace=60000", "stop_timeout=65000", "handle=TERM:note:told", "body=ask,hang"]);
    daemon.signal(Signal::SIGTERM);
    // Two signals at once count as one.
    daemon.signal(Signal::SIGINT);
    lab.wait_for("told", EVENT_TIMEOUT, |notes| !notes.is_empty());
    let passed = daemon.died(Duration::from_millis(700));
    assert!(passed.is_err(), "a stop that comes with the first one takes the grace away");
    daemon.signal(Signal::SIGINT);
    daemon.died(EVENT_TIMEOUT).expect("the second signal ends it");
    nothing_left(&lab);
}

/// Promise 1.15.
#[test]
fn body_that_does_not_return_is_ended_after_its_grace() {
    let lab = lab();
    let daemon = start(&lab, &["grace=500", "body=ask,hang"]);
    let told = Instant::now();
    daemon.signal(Signal::SIGTERM);
    daemon.died(EVENT_TIMEOUT).expect("the grace is over");
    assert!(told.elapsed() >= Duration::from_millis(500), "it had no grace: {:?}", told.elapsed());
    nothing_left(&lab);
}

/// Promise 1.15. TERM for the daemon, at every 5 ms of a start that takes about 100 ms after the second fork.
#[test]
fn sigterm_during_the_start_stops_and_cleans_up() {
    let moments = (0..=200).step_by(5).map(Duration::from_millis);
    each(moments, |after| {
        let lab = lab();
        let slow = ["before=Umask:pause:20", "after=PidFile:pause:20", "before=Stdio:pause:20"];
        let body = "body=pause:40,ready,note:working,idle";
        let born = "after=Detach:note:born";
        let launch = lab.helper(&["start", "pidfile=d.pid", "ready=manual", born, body]).args(slow).spawn();
        let note = lab.wait_for("born", EVENT_TIMEOUT, |note| note.ends_with('\n'));
        let daemon = look::Process::new(note.split(' ').nth(2).and_then(|pid| pid.parse().ok()).expect("its number"));
        std::thread::sleep(after);
        daemon.signal(Signal::SIGTERM);
        let outcome = launch.finish();
        daemon.died(EVENT_TIMEOUT).expect("TERM ends it, whenever it comes");
        nothing_left(&lab);
        if outcome.code() != 0 {
            outcome.exits(2).says(&["stop"]);
        }
    });
}

/// Promise 1.15.
#[test]
fn sigterm_ends_a_start_whose_body_locks_its_output() {
    let lab = lab();
    let launch = lab.helper(&["start", "pidfile=d.pid", "ready=manual", "body=lock_output_and_hang"]).spawn();
    lab.wait_for("seizing", EVENT_TIMEOUT, |notes| !notes.is_empty());
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    let outcome = launch.finish().exits(2).says(&["stop"]);
    assert!(outcome.took < EVENT_TIMEOUT, "{outcome}");
    nothing_left(&lab);
}

#[test]
fn signals_can_be_ignored_or_have_their_default_action() {
    let lab = lab();
    let daemon = start(&lab, &["ignore=USR1", "default=HUP", "handle=USR2:note:handled"]);
    daemon.signal(Signal::SIGUSR1);
    daemon.signal(Signal::SIGUSR2);
    lab.wait_for("handled", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert!(daemon.alive(), "USR1 was to be ignored");
    daemon.signal(Signal::SIGHUP);
    daemon.died(EVENT_TIMEOUT).expect("HUP was to have its default action");
    assert!(lab.path(PIDFILE).exists(), "killed, so the file is left");
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn stop_from_the_body_ends_the_daemon() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["guard=left", "body=stop_itself_later"]));
    let end = daemon.died(EVENT_TIMEOUT).expect("it stopped itself");
    assert!(matches!(end, Some(WaitStatus::Exited(_, 0))), "{end:?}");
    nothing_left(&lab);
    assert!(lab.read("left").contains("dropped"));
}

#[test]
fn stop_interrupts_the_interval_of_steps() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["step=note:steps", "every=3600000"]));
    lab.wait_for("steps", EVENT_TIMEOUT, |notes| notes.lines().count() == 1);
    let told = Instant::now();
    daemon.signal(Signal::SIGTERM);
    let end = daemon.died(EVENT_TIMEOUT).expect("it stops");
    assert!(matches!(end, Some(WaitStatus::Exited(_, 0))), "{end:?}");
    assert!(told.elapsed() < Duration::from_secs(5));
    nothing_left(&lab);
    assert_eq!(lab.read("steps").lines().count(), 1);
}

#[test]
fn stop_lets_a_step_finish() {
    let lab = lab();
    let daemon = start(&lab, &["step=note:begun,pause:300,note:finished"]);
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.died(EVENT_TIMEOUT).expect("it stops");
    assert_eq!(lab.read("begun").lines().count(), lab.read("finished").lines().count());
}

/// Promise 2.27. An attachment is a part of the shutdown.
#[test]
fn attachment_that_panics_at_the_stop_makes_the_exit_status_1() {
    for moment in ["stopping", "end"] {
        for body in ["idle", "hang"] {
            let lab = lab();
            let settings = [&format!("attach={moment}:panic:no pen"), &format!("body={body}"), "stderr=log"];
            let daemon = adopt(start(&lab, &settings));
            daemon.signal(Signal::SIGTERM);
            ended(daemon, 1);
            nothing_left(&lab);
            assert!(lab.read("log").contains("panicked: no pen"), "{moment}, {body}: {}", lab.read("log"));
        }
    }
}

/// The process continues as a program that was never a daemon.
#[test]
fn signal_after_a_start_that_failed_does_what_it_did_before() {
    let lab = lab();
    let failing = ["attach=start:err:no ink", "handle=TERM:note:told", "handle=USR1:note:told"];
    for (signal, number) in [("TERM", 15), ("USR1", 10), ("HUP", 1)] {
        let outcome = run(&lab, "foreground", &[&failing[..], &[&format!("last=kill:{signal}")]].concat());
        assert_eq!(outcome.code(), 128 + number, "{signal}: {outcome}");
    }
    assert!(!lab.path("told").exists());
    nothing_left(&lab);
}
