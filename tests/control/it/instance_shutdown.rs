//! A running instance and its end.

use nix::sys::signal::Signal;

use crate::instance_helpers::{EVENT_TIMEOUT, PIDFILE, call, freeze, hold, lab, times, times_in_log};
use crate::instance_start::{end, nothing_left};

/// `on_stop` runs once for each way in which an instance ends, and the next launch becomes the instance.
#[test]
fn on_stop_runs_once_for_each_kind_of_end() {
    for (settings, how) in [
        ("then=wait", Signal::SIGTERM),
        ("then=wait", Signal::SIGINT),
        ("then=wait", Signal::SIGHUP),
        ("then=sleep", Signal::SIGTERM),
        ("then=sleep", Signal::SIGINT),
    ] {
        let lab = lab();
        let first = hold(&lab, &[settings]);
        // Two signals at once, in a program that continues after them.
        freeze(first.process);
        first.process.signal(how);
        if settings == "then=wait" {
            first.process.signal(if how == Signal::SIGTERM { Signal::SIGINT } else { Signal::SIGTERM });
        }
        first.process.signal(Signal::SIGCONT);
        let outcome = first.program.finish();
        // A program that waits continues; a program without a handler is killed by the signal.
        let expected = if settings == "then=wait" { 0 } else { 128 + how as i32 };
        assert_eq!(outcome.code(), expected, "{settings} {how}: {outcome}");
        assert_eq!(times_in_log(&lab, "goes on"), usize::from(settings == "then=wait"));
        assert_eq!(times_in_log(&lab, "on_stop"), 1, "{settings} {how}");
        nothing_left(&lab);
    }
    let lab = lab();
    lab.helper(&["hold", "app", "then=drop_at_once"]).run().ok();
    assert_eq!(lab.read("log").lines().skip(2).collect::<Vec<_>>(), ["on_stop", "goes on"]);
    nothing_left(&lab);
    let forever = lab.helper(&["hold", "app", "then=run_forever"]).spawn();
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, |text| !text.is_empty());
    forever.signal(Signal::SIGTERM);
    forever.finish().ok();
    assert_eq!(times_in_log(&lab, "on_stop"), 2);
    nothing_left(&lab);
}

/// Promise 2.27. The lock is released regardless, and the program does not exit with status 0.
#[test]
fn panic_in_on_stop_fails_the_program() {
    let lab = lab();
    let waits = hold(&lab, &["on_stop=panics", "then=wait"]);
    waits.process.signal(Signal::SIGTERM);
    let stops = lab.helper(&["hold", "other", "on_stop=panics", "then=stop_at_once"]).spawn();
    for program in [waits.program, stops] {
        program.finish().exits(101).says(&["no pen"]);
    }
    nothing_left(&lab);
}

/// The guard is dropped while a client requests a stop, and a signal arrives.
#[test]
fn concurrent_stops_end_the_instance_once() {
    for _ in 0..times(5, 100) {
        let lab = lab();
        let first = hold(&lab, &["then=wait"]);
        let stops: Vec<_> = (0..4).map(|_| lab.helper(&["call", "app", "stop"]).spawn()).collect();
        first.process.signal(Signal::SIGTERM);
        let outcome = first.program.finish();
        // The signal reached the instance, or the program after the end of its instance.
        let is_killed = outcome.code() == 128 + Signal::SIGTERM as i32;
        assert!(is_killed || outcome.code() == 0, "{outcome}");
        for stop in stops {
            stop.finish().ok();
        }
        assert_eq!(times_in_log(&lab, "on_stop"), 1);
        assert!(is_killed || times_in_log(&lab, "goes on") == 1);
        nothing_left(&lab);
    }
}

/// An ignored signal stays ignored: a program under `nohup` does not end when its terminal is closed.
#[test]
fn ignored_signal_does_not_end_the_instance() {
    let lab = lab();
    let program = lab.shell("trap '' HUP; exec \"$D\" hold app then=sleep").spawn();
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("primary "));
    program.signal(Signal::SIGHUP);
    assert!(call(&lab, &["running"]).starts_with("Running"));
    program.signal(Signal::SIGTERM);
    assert_eq!(program.finish().code(), 128 + 15);
    assert_eq!(times_in_log(&lab, "on_stop"), 1);
}

#[test]
fn stop_is_answered_before_the_instance_ends() {
    let lab = lab();
    let first = hold(&lab, &[]);
    assert_eq!(call(&lab, &["stop"]), r#"{"success":true,"state":"stopping"}"#);
    // `stop` returns after the instance has ended: its lock is free already.
    assert!(!lab.path(PIDFILE).exists());
    first.program.finish().ok();
    // To stop an instance that does not run is not an error.
    assert_eq!(call(&lab, &["stop"]), r#"{"success":true,"state":"stopped"}"#);
    // Requests that only a daemon can serve are refused.
    let first = hold(&lab, &[]);
    for verb in ["restart", "reload"] {
        lab.helper(&["call", "app", "send", verb, "{}"]).run().exits(5).says(&["Refused(409)", "not a daemon"]);
    }
    end(&lab, first);
}

/// Handlers are replaced and removed while the instance runs.
#[test]
fn handlers_can_be_changed_while_the_instance_runs() {
    let lab = lab();
    let first = hold(&lab, &[]);
    let event = |name: &str, data: &str| lab.helper(&["call", "app", "event", name, data]).run();
    let no_handler = ["NoHandler", "failed to handle event `switched`: no handler found for switched"];
    event("gone", "null").exits(5).says(&["NoHandler"]);
    for _ in 0..2 {
        event("switched", "null").exits(5).says(&no_handler);
        for to in ["one", "other"] {
            event("switch", &format!("{{\"to\":{to:?}}}")).ok();
            event("switched", "null").ok().prints(&[&format!("\"to\":{to:?}")]);
        }
        event("switch", "null").ok();
    }
    event("switched", "null").exits(5).says(&no_handler);
    end(&lab, first);
}

#[test]
fn failing_handler_affects_its_event_only() {
    let lab = lab();
    let first = hold(&lab, &[]);
    let event = |name: &str| lab.helper(&["call", "app", "event", name, "null"]).run();
    event("fail").exits(5).says(&["Handler: failed to handle event `fail`: out of luck"]);
    let panicked = event("panic").exits(5).says(&["Handler", "panicked"]);
    assert!(!panicked.stderr.contains("TOPSECRET") && !panicked.stderr.contains("instance.rs"), "{panicked}");
    let slow: Vec<_> = (0..8).map(|_| lab.helper(&["call", "app", "event", "slow", "null"]).spawn()).collect();
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.lines().filter(|line| *line == "slow begins").count() == 8);
    let quick = lab.helper(&["call", "app", "get", "/"]).run().ok();
    assert!(quick.took < crate::common::AT_ONCE, "a slow handler blocks: {quick}");
    for one in slow {
        one.finish().ok();
    }
    end(&lab, first);
}
