//! A launch that meets an instance which is exiting: it is repeated, and no event is handled twice.

use std::fs;

use look::Lab;

use crate::instance_helpers::{EVENT_TIMEOUT, PIDFILE, call, hold, lab, times};

/// The instance exits after the connection, before it has read the whole event: the launch becomes the next instance.
#[test]
fn event_that_was_not_read_is_sent_again() {
    for how in ["0", "1", "20", "120"] {
        let lab = lab();
        fs::create_dir(lab.path("app")).expect("a directory");
        let leaving = lab.helper(&["leave", PIDFILE, how]).spawn();
        lab.wait_for(PIDFILE, EVENT_TIMEOUT, |text| text.lines().count() == 3);
        let launch = lab.helper(&["launch", "app", "next"]).spawn();
        let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("primary ") || !launch.process().alive());
        assert!(log.contains(&format!("primary {}\n", launch.process().id())), "{how}: {}", launch.finish());
        leaving.finish().ok();
        call(&lab, &["stop"]);
        launch.finish().ok();
    }
}

/// The instance has read the event and exits without a response: it may have handled the event, so no other process does.
#[test]
fn event_that_was_read_is_not_sent_again() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let leaving = lab.helper(&["leave", PIDFILE, "all"]).spawn();
    lab.wait_for(PIDFILE, EVENT_TIMEOUT, |text| text.lines().count() == 3);
    let launch = lab.helper(&["launch", "app", "next"]).run().exits(5);
    launch.says(&["Reply", "the endpoint closed the connection without a response"]);
    leaving.finish().ok();
    assert!(!lab.path("log").exists(), "{}", lab.read("log"));
}

/// Launches while the instance is stopped repeatedly: each launch becomes the instance, or reaches it.
#[test]
fn concurrent_launches_reach_the_running_instance() {
    for round in 0..times(3, 50) {
        let lab = lab();
        let first = hold(&lab, &[]);
        let launches: Vec<_> =
            (0..8).map(|number| lab.helper(&["launch", "app", &format!("n{number}")]).spawn()).collect();
        let processes: Vec<_> = launches.iter().map(look::Running::process).collect();
        while processes.iter().any(|process| process.alive()) {
            // The other process may be starting.
            lab.helper(&["call", "app", "stop"]).run();
        }
        first.program.finish().ok();
        let log = lab.read("log");
        for (number, launch) in launches.into_iter().enumerate() {
            let (pid, outcome) = (launch.process().id(), launch.finish());
            let arrived = log.lines().filter(|line| *line == format!("arrived n{number}")).count();
            let is_first = outcome.stdout == format!("primary {pid}\n");
            assert_eq!(arrived, usize::from(!is_first), "round {round}: {outcome}\n{log}");
            let outcome = outcome.ok();
            assert!(is_first || outcome.stdout.starts_with("forwarded "), "round {round}: {outcome}");
        }
        nothing_left(&lab);
    }
}

#[track_caller]
fn nothing_left(lab: &Lab) {
    lab.quiet(EVENT_TIMEOUT).expect("processes are left behind");
    for left in [PIDFILE, "app/.control"] {
        assert!(!lab.path(left).exists(), "`{left}` is left behind");
    }
}
