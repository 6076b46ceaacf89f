//! Handlers of signals: their order, their failures, and the thread that runs them.

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended, lab, nothing_left, run, start, stop};
use crate::faults::held_system_call::look_until;
use look::Process;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use std::time::{Duration, Instant};

/// Promise 1.24.
#[test]
fn hanging_handler_does_not_block_the_stop() {
    for handler in ["handle=HUP:note:handling,hang", "handle=USR1:note:handling,hang"] {
        let lab = lab();
        let daemon = start(&lab, &[handler, "grace=1000"]);
        daemon.signal(if handler.contains("HUP") { Signal::SIGHUP } else { Signal::SIGUSR1 });
        lab.wait_for("handling", EVENT_TIMEOUT, |notes| !notes.is_empty());
        daemon.signal(Signal::SIGTERM);
        daemon.died(Duration::from_secs(5)).expect("it ends within its grace");
        nothing_left(&lab);
    }
}

/// Promise 1.24.
#[test]
fn hanging_handler_of_the_stop_signal_does_not_block_the_stop() {
    let lab = lab();
    let daemon = start(&lab, &["handle=TERM:hang", "grace=500"]);
    daemon.signal(Signal::SIGTERM);
    daemon.died(Duration::from_secs(5)).expect("it ends within its grace");
    nothing_left(&lab);
}

/// Promise 1.24.
#[test]
fn handler_that_waits_for_a_lock_of_the_body_does_not_block_the_stop() {
    for signal in [Signal::SIGHUP, Signal::SIGTERM] {
        let lab = lab();
        let handler = format!("handle={}:note_and_lock_mutex", signal.as_str());
        let daemon = start(&lab, &[&handler, "grace=1000", "ready=manual", "body=ready_lock_mutex_and_hang"]);
        daemon.signal(signal);
        lab.wait_for("handling", EVENT_TIMEOUT, |notes| !notes.is_empty());
        daemon.signal(Signal::SIGTERM);
        daemon.died(Duration::from_secs(5)).expect("it ends within its grace");
        nothing_left(&lab);
    }
}

/// Promise 1.24.
#[test]
fn body_that_locks_stderr_does_not_block_the_stop() {
    for body in ["body=lock_output_and_hang", "body=ask_lock_output_and_hang"] {
        let lab = lab();
        let daemon = start(&lab, &[body, "stdout=log", "stderr=log", "grace=500", "handle=HUP:panic:in vain"]);
        lab.wait_for("seizing", EVENT_TIMEOUT, |notes| !notes.is_empty());
        // Without the log, failures of these handlers cannot be reported.
        std::fs::remove_file(lab.path("log")).unwrap();
        std::fs::create_dir(lab.path("log")).unwrap();
        daemon.signal(Signal::SIGHUP);
        daemon.signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("it ends regardless");
        nothing_left(&lab);
    }
}

#[test]
fn stop_from_a_handler_does_not_count_as_second_signal() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["handle=TERM:stop", "guard=left", "body=idle,pause:300,note:finished"]));
    daemon.signal(Signal::SIGTERM);
    let end = daemon.died(EVENT_TIMEOUT).expect("it stops");
    assert!(matches!(end, Some(WaitStatus::Exited(_, 0))), "{end:?}");
    nothing_left(&lab);
    assert!(lab.path("finished").exists() && lab.read("left").contains("dropped"), "its grace was cut short");
}

#[test]
fn handlers_run_in_order_and_after_a_panic() {
    let lab = lab();
    let handlers = ["handle=USR1:complain:one", "handle=USR1:panic:two", "handle=USR1:complain:three,note:handled"];
    let daemon = start(&lab, &[&handlers[..], &["stdout=log", "stderr=log"]].concat());
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("handled", EVENT_TIMEOUT, |notes| !notes.is_empty());
    stop(&lab);
    let log = lab.read("log");
    let places: Vec<_> = ["one", "two", "three"].map(|word| log.find(word)).to_vec();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "the log holds {log:?}");
}

/// Promise 2.27.
#[test]
fn shutdown_handler_that_fails_makes_the_exit_status_1() {
    let bodies = [("idle", 1), ("poll", 1), ("hang", 1), ("poll_then_fail:no paper", 4)];
    let fails = [
        ("err:no ink", "a handler of SIGTERM failed: no ink"),
        ("panic:no pen", "a handler of SIGTERM panicked: no pen"),
    ];
    each(bodies.into_iter().flat_map(|body| fails.map(|fail| (body, fail))), |((body, status), (act, says))| {
        let lab = lab();
        let settings =
            [&format!("body={body}"), &format!("handle=TERM:{act}"), "handle=TERM:note:handled", "stderr=log"];
        let daemon = adopt(start(&lab, &settings));
        daemon.signal(Signal::SIGTERM);
        ended(daemon, status);
        nothing_left(&lab);
        assert!(lab.read("log").contains(says), "{body}, {act}: {}", lab.read("log"));
        assert!(lab.path("handled").exists(), "{body}, {act}: the other handler did not run");
    });
}

/// Promise 2.27. A failure before the stop, or at a signal that does not stop, is logged only.
#[test]
fn handler_of_another_signal_that_fails_leaves_the_exit_status_0() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["handle=HUP:err:no ink", "handle=USR1:panic:no pen", "stderr=log"]));
    for (signal, says) in [(Signal::SIGHUP, "no ink"), (Signal::SIGUSR1, "no pen")] {
        daemon.signal(signal);
        lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains(says));
    }
    daemon.signal(Signal::SIGTERM);
    ended(daemon, 0);
}

/// Promise 2.27. The rest of an activated program is its body, whose end waits for the handlers, except for a handler
/// that ends it.
#[test]
fn activated_program_that_returns_at_a_stop_waits_for_its_handlers() {
    // A body that never asks is ended by a handler that calls `exit`.
    for (body, act) in [("note_and_poll:begun", "pause:300,note:handled"), ("note:begun,hang", "note:handled,exit:0")] {
        let lab = lab();
        let settings = [&*format!("body={body}"), &format!("handle=TERM:{act}")];
        run(&lab, "activate", &settings).ok();
        let daemon = lab.daemon(PIDFILE);
        lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
        let told = Instant::now();
        daemon.signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("it stops");
        assert!(lab.path("handled").exists(), "{act}");
        // Not after the grace only.
        assert!(told.elapsed() < Duration::from_secs(5), "{act}: {:?}", told.elapsed());
        nothing_left(&lab);
    }
}

/// Only the first handler creates a thread: a later one neither waits for a thread nor fails if none can be created.
#[test]
fn second_signal_is_handled_by_the_thread_that_handled_the_first() {
    let lab = lab();
    let daemon = start(&lab, &["handle=USR1:note:first", "handle=USR2:note:second"]);
    let handling = || -> Vec<i32> {
        let threads = daemon.threads().into_iter();
        let named = threads.filter(|thread| thread.status("Name").is_some_and(|name| name == "daemon-handlers"));
        named.map(Process::id).collect()
    };
    assert!(handling().is_empty(), "there is a thread for handlers before a signal");
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("first", EVENT_TIMEOUT, |notes| !notes.is_empty());
    let first = handling();
    daemon.signal(Signal::SIGUSR2);
    lab.wait_for("second", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert!(first.len() == 1 && handling() == first, "{first:?}, {:?}", handling());
    stop(&lab);
    nothing_left(&lab);
}

/// A running handler delays a later signal, but not beyond the stop that follows.
#[test]
fn signal_before_a_stop_is_handled_before_it_behind_a_busy_handler() {
    let lab = lab();
    let handlers = ["handle=USR1:note:busy,await:go", "handle=USR2:complain:second.", "handle=TERM:complain:stop."];
    let daemon = start(&lab, &[&handlers[..], &["stderr=said", "body=idle"]].concat());
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("busy", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon.signal(Signal::SIGUSR2);
    daemon.signal(Signal::SIGTERM);
    let stops = |thread: Process| thread.status("Name").is_some_and(|name| name.contains("stop"));
    look_until("no thread says that it stops", || daemon.threads().into_iter().any(stops));
    lab.write("go", "");
    look_until("it does not end", || !daemon.alive());
    assert_eq!(lab.read("said"), "second.stop.");
    nothing_left(&lab);
}

/// A signal during the handlers of an earlier one is not lost.
#[test]
fn signals_behind_a_busy_handler_are_handled_as_often_as_they_come() {
    let lab = lab();
    let daemon = start(&lab, &["handle=USR1:note:busy,await:go", "handle=USR2:complain:second.", "stderr=said"]);
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("busy", EVENT_TIMEOUT, |notes| !notes.is_empty());
    let is_named = |thread: &Process| thread.status("Name").is_some_and(|name| name.starts_with("daemon-signals"));
    let service = daemon.threads().into_iter().find(is_named).expect("a thread for signals");
    for _ in 0..3 {
        let slept = service.status("voluntary_ctxt_switches");
        daemon.signal(Signal::SIGUSR2);
        look_until("it was not treated", || service.status("voluntary_ctxt_switches") != slept);
    }
    lab.write("go", "");
    lab.wait_for("said", EVENT_TIMEOUT, |said| said == "second.second.second.");
    stop(&lab);
    nothing_left(&lab);
}
