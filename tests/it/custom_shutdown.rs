//! Bodies with their own shutdown: they end by a signal handler of the program, beside the daemon's handler or in place
//! of it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use look::{Lab, Process};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended, nothing_left, run, start};

/// The body's exit status, which only its return yields.
const OWN_STATUS: i32 = 7;

/// Returns a lab with the helper program `shutdowns`.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_shutdowns"))
}

/// Starts a daemon, and waits until its body has begun.
#[track_caller]
pub(crate) fn begun(lab: &Lab, settings: &[&str]) -> Process {
    let daemon = adopt(start(lab, &[settings, &["stderr=log"]].concat()));
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon
}

/// Promise 2.26. Whichever part of the program installs the handler, and whenever, the body ends by itself with its own
/// exit status.
#[test]
fn stop_of_body_with_own_handler_lets_it_finish() {
    let ways = [
        ["signal-hook", "main"],
        ["signal-hook", "stage"],
        ["signal-hook", "body"],
        ["once", "main"],
        ["signal", "stage"],
        ["signal", "body"],
        ["ctrlc", "stage"],
        ["ctrlc", "body"],
    ];
    let cases = ["false", "true"].into_iter().flat_map(|awaits| ways.map(|[by, at]| [by, at, awaits]));
    each(cases.chain([["tokio", "body", "true"]]), |[by, at, awaits]| {
        let lab = lab();
        let [by, at, awaits] = [format!("by={by}"), format!("at={at}"), format!("async={awaits}")];
        let daemon = begun(&lab, &[&by, &at, &awaits, "body=ends"]);
        daemon.signal(Signal::SIGTERM);
        ended(daemon, OWN_STATUS);
        assert!(lab.path("cleaned").exists(), "{by} {at} {awaits}: {}", lab.read("log"));
        nothing_left(&lab);
    });
}

/// Promise 1.32. The body is faster than the daemon, which waits for the remaining handlers of the program.
#[test]
fn body_that_ends_by_its_own_handler_before_it_is_ready_was_stopped_while_starting() {
    each(0..12, |_| {
        let lab = lab();
        let spawned = Instant::now();
        let settings = ["start", "pidfile=d.pid", "by=signal-hook", "at=body", "body=spins", "stderr=log"];
        let start = lab.helper(&settings).spawn();
        lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
        lab.daemon(PIDFILE).signal(Signal::SIGTERM);
        let was_early = spawned.elapsed() < Duration::from_millis(90);
        let outcome = start.finish();
        if was_early {
            outcome.exits(2).says(&["stopped while starting"]);
        }
        nothing_left(&lab);
    });
}

/// Promise 2.26. The stop may interrupt the sleep before the program's handler has run.
#[test]
fn stop_of_body_that_sleeps_until_its_own_handler_has_run_lets_it_finish() {
    let ways = [["signal-hook", "main"], ["signal-hook", "body"], ["once", "main"], ["ctrlc", "stage"]];
    let cases = ["false", "true"].into_iter().flat_map(|awaits| ways.map(|[by, at]| [by, at, awaits]));
    each(cases, |[by, at, awaits]| {
        let lab = lab();
        let [by, at, awaits] = [format!("by={by}"), format!("at={at}"), format!("async={awaits}")];
        let daemon = begun(&lab, &[&by, &at, &awaits, "body=naps"]);
        daemon.signal(Signal::SIGTERM);
        ended(daemon, OWN_STATUS);
        assert!(lab.path("cleaned").exists(), "{by} {at} {awaits}: {}", lab.read("log"));
    });
}

/// Promises 2.26, 2.27. A body that ends before the daemon notices the stop does not cut off the daemon's handlers.
#[test]
fn body_that_ends_at_once_by_its_own_handler_waits_for_those_of_signals() {
    for at in ["main", "body", "main", "body", "main", "body"] {
        let lab = lab();
        let daemon = begun(&lab, &["by=signal-hook", &format!("at={at}"), "body=spins", "fail=TERM"]);
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 1);
        assert!(lab.path("handled").exists(), "at {at}");
    }
}

/// Promise 2.26. In the foreground, the handler was installed in this process before the daemon.
#[test]
fn stop_in_the_foreground_lets_body_with_own_handler_finish() {
    each(["signal-hook", "signal", "once"], |by| {
        let lab = lab();
        let by = format!("by={by}");
        let daemon = lab.helper(&["foreground", "pidfile=d.pid", "at=main", "body=ends", &by]).spawn();
        lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
        daemon.signal(Signal::SIGTERM);
        daemon.finish().exits(OWN_STATUS);
        assert!(lab.path("cleaned").exists(), "{by}");
        nothing_left(&lab);
    });
}

/// Promise 2.26. The graceful shutdown of axum.
#[test]
fn stop_of_server_answers_the_request_in_flight() {
    let lab = lab();
    let daemon = begun(&lab, &["by=tokio", "at=body", "async=true", "body=serves"]);
    let mut client = UnixStream::connect(lab.path("socket")).expect("it listens");
    client.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a time");
    client.write_all(b"what").expect("it reads");
    lab.wait_for("request", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon.signal(Signal::SIGTERM);
    let mut reply = String::new();
    client.read_to_string(&mut reply).expect("it answers");
    assert_eq!(reply, "done");
    ended(daemon, OWN_STATUS);
}

/// Promise 2.26.
#[test]
fn body_with_own_handler_that_hangs_is_ended_after_its_grace() {
    let ways = [["signal-hook", "main", "false"], ["signal-hook", "body", "false"], ["tokio", "body", "true"]];
    each(ways, |[by, at, awaits]| {
        let lab = lab();
        let settings =
            [&format!("by={by}"), &format!("at={at}"), &format!("async={awaits}"), "body=hangs", "grace=700"];
        let daemon = begun(&lab, &settings);
        let told = Instant::now();
        let stopped = run(&lab, "stop", &["grace=700"]).ok();
        assert!(told.elapsed() >= Duration::from_millis(700), "{by} at {at}: it had no grace");
        assert!(!stopped.to_string().contains("itself"), "{by} at {at}: {stopped}");
        ended(daemon, 1);
        assert_eq!(lab.read("log"), "shutdowns: did not end within its grace of 700ms, and was ended\n");
    });
}

/// Promise 2.26. Neither another `stop` nor another handler shortens the grace; a second signal by hand does.
#[test]
fn second_signal_by_hand_hurries_body_with_own_handler() {
    for at in ["at=main", "at=body"] {
        let lab = lab();
        let daemon = begun(&lab, &["by=signal-hook", at, "body=hangs", "grace=60000", "stop_timeout=65000"]);
        let stops = [0, 1].map(|_| lab.helper(&["stop", "pidfile=d.pid", "grace=60000", "stop_timeout=65000"]).spawn());
        daemon.died(Duration::from_millis(700)).expect_err("the verbs do not hurry it");
        daemon.signal(Signal::SIGTERM);
        daemon.died(Duration::from_millis(600)).expect_err("the first by hand is no second one");
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 1);
        for stop in stops {
            stop.finish().ok();
        }
    }
}

/// Promise 2.26. A handler of another signal does not entitle the body to its grace.
#[test]
fn handler_of_another_signal_leaves_a_body_that_never_asks_no_grace() {
    let lab = lab();
    let daemon = begun(&lab, &["by=signal-hook", "at=body", "body=hangs", "signal=USR2"]);
    daemon.signal(Signal::SIGTERM);
    ended(daemon, 0);
    assert_eq!(lab.read("log"), "");
}

/// Promise 2.29. The daemon's handler is replaced, so the daemon does not end, and `stop` names the program's handler.
#[test]
fn stop_of_program_with_replaced_handler_names_the_handler() {
    each(["by=signal", "by=ctrlc"], |by| {
        let lab = lab();
        let daemon = begun(&lab, &[by, "at=body", "body=hangs", "grace=200"]);
        let times = ["grace=200", "stop_timeout=1200"];
        let failed = run(&lab, "stop", &[&times[..], &["kill=false"]].concat());
        assert_ne!(failed.code(), 0, "{failed}");
        failed.says(&["still runs 1.2s after SIGTERM, the program handles SIGTERM itself, and `kill` is false"]);
        assert!(daemon.alive() && lab.read("log").is_empty(), "{by}: {}", lab.read("log"));
        let killed = run(&lab, "stop", &times).ok();
        killed.prints(&["killed pid", "which did not stop; the program handles SIGTERM itself"]);
        assert!(matches!(daemon.died(EVENT_TIMEOUT), Ok(Some(WaitStatus::Signaled(_, Signal::SIGKILL, _)))), "{by}");
        nothing_left(&lab);
    });
}

/// Promise 2.29. A stop from inside reaches the daemon, whichever handler the signal has.
#[test]
fn stop_from_inside_reaches_daemon_whose_handler_was_replaced() {
    for (body, status) in [("body=ends", OWN_STATUS), ("body=hangs", 1)] {
        let lab = lab();
        let daemon = begun(&lab, &["by=signal", "at=body", body, "grace=700", "stop-on=USR2"]);
        daemon.signal(Signal::SIGUSR2);
        ended(daemon, status);
        nothing_left(&lab);
    }
}

/// Promise 2.29. If the signal is ignored, no handler of the program needs the grace.
#[test]
fn stop_from_inside_of_program_that_ignores_the_signal_ends_it_at_once() {
    let lab = lab();
    let daemon = begun(&lab, &["by=ignore", "at=body", "body=hangs", "grace=60000", "stop-on=USR2"]);
    daemon.signal(Signal::SIGUSR2);
    ended(daemon, 0);
    assert_eq!(lab.read("log"), "");
    nothing_left(&lab);
}

/// Promise 2.26. If the program's handler calls the daemon's, the order of the two does not matter.
#[test]
fn reload_from_inside_runs_the_handlers_once() {
    each(["at=main", "at=body"].repeat(4), |at| {
        let lab = lab();
        let settings = ["by=signal-hook", at, "body=hangs", "signal=HUP", "handle=HUP", "reload-on=USR2"];
        let daemon = begun(&lab, &settings);
        daemon.signal(Signal::SIGUSR2);
        lab.wait_for("reloaded", EVENT_TIMEOUT, |notes| !notes.is_empty());
        lab.wait_for("handled", EVENT_TIMEOUT, |notes| !notes.is_empty());
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 0);
        assert_eq!(lab.read("handled"), "was here\n", "{at}");
    });
}

/// Promise 2.26. Handlers of `signals` and of the program share other signals too.
#[test]
fn handlers_of_signals_run_beside_those_of_the_program() {
    let ways = [
        ("signal-hook", "main", true),
        ("signal-hook", "body", true),
        ("once", "main", true),
        ("signal", "body", false),
    ];
    let cases = ["USR1", "HUP"].into_iter().flat_map(|signal| ways.map(|way| (signal, way)));
    each(cases, |(signal, (by, at, both))| {
        let lab = lab();
        let [by, at] = [format!("by={by}"), format!("at={at}")];
        let settings = [&by, &at, "body=ends", &format!("signal={signal}"), &format!("handle={signal}")];
        let daemon = begun(&lab, &settings);
        daemon.signal(if signal == "HUP" { Signal::SIGHUP } else { Signal::SIGUSR1 });
        ended(daemon, OWN_STATUS);
        assert_eq!(lab.path("handled").exists(), both, "{signal} {by} {at}");
    });
}

/// Promise 2.26.
#[test]
fn end_of_body_that_never_asked_is_logged_after_the_handlers_of_its_signal() {
    for awaits in ["async=false", "async=true"] {
        let lab = lab();
        let daemon = begun(&lab, &["body=hangs", awaits, "handle=TERM"]);
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 0);
        assert!(lab.path("handled").exists());
        let log = "shutdowns: never asked whether it is to stop, and was ended after the handlers of SIGTERM\n";
        assert_eq!(lab.read("log"), log, "{awaits}");
    }
}

/// Promise 2.28. A thread or task that sleeps on after the stop takes its time, as the body does that cleans up.
#[test]
fn sleep_after_the_stop_takes_its_time() {
    for awaits in ["async=false", "async=true"] {
        let lab = lab();
        let daemon = begun(&lab, &["body=dozes", awaits]);
        lab.wait_for("dozed", EVENT_TIMEOUT, |notes| !notes.is_empty());
        let (before, told) = (lab.read("dozed").lines().count(), Instant::now());
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 0);
        let took = told.elapsed();
        assert!(lab.path("cleaned").exists(), "{awaits}");
        // Ten of eleven sleeps of 50 ms: the stop interrupts the first.
        assert!(took >= Duration::from_millis(500), "{awaits}: it cleaned up for {took:?}");
        // One for each 50 ms, the interrupted one, and one in progress at each end.
        let (after, most) = (lab.read("dozed").lines().count() - before, took.as_millis() / 50 + 3);
        assert!(u128::try_from(after).expect("a number") <= most, "{awaits}: {after} lines in {took:?}");
    }
}
