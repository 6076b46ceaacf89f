//! Async clients: many tasks of one runtime, shared failures, and futures that are dropped.

use crate::common::{EVENT_TIMEOUT, lab};

/// Returns the number of lines.
fn lines(text: &str) -> usize {
    text.lines().count()
}

/// Promise 12.02.
#[test]
fn tasks_at_once_start_one_daemon_and_all_are_served() {
    let lab = lab();
    let outcome = lab.helper(&["client", "tasks", "clients=64", "times=16"]).run().ok();
    assert_eq!(lines(&outcome.stdout), 1024);
    assert_eq!(outcome.stdout.lines().filter(|line| line.ends_with("started")).count(), 1);
    assert_eq!(lines(&lab.read("starts")), 1);
}

#[test]
fn tasks_share_the_failure_of_one_start() {
    let lab = lab();
    let running = lab.helper(&["client", "tasks", "clients=16", "body=fails"]).spawn();
    lab.wait_for("clients", EVENT_TIMEOUT, |text| lines(text) == 16);
    lab.write("fail", "");
    running.finish().exits(4).says(&["no cache directory"]);
    assert_eq!(lines(&lab.read("starts")), 1);
}

#[test]
fn tasks_of_a_daemon_that_exits_after_a_millisecond_are_all_served() {
    let lab = lab();
    let keys = ["client", "tasks", "clients=4", "times=25", "idle=1", "pause=2400"];
    assert_eq!(lines(&lab.helper(&keys).run().ok().stdout), 100);
    assert!(lines(&lab.read("starts")) > 1, "the daemon never was idle");
}

#[test]
fn runtime_of_one_thread_goes_on_while_the_daemon_starts() {
    let lab = lab();
    let outcome = lab.helper(&["client", "ticks", "body=slow"]).run().ok();
    assert!(outcome.stdout.contains("ticks 5\n"), "{outcome}");
}

/// Promise 12.06.
#[test]
fn dropped_future_leaves_a_whole_daemon_or_none() {
    let lab = lab();
    lab.helper(&["client", "drop", "body=slow"]).run().ok().prints(&["dropped true started true"]);
    lab.run(&["client", "once", "body=slow"]).ok().prints(&["found"]);
    let lab = crate::common::lab();
    lab.write("fail", "");
    lab.helper(&["client", "drop", "body=fails"]).run().ok().prints(&["dropped true started false"]);
    lab.quiet(EVENT_TIMEOUT).expect("nothing is left");
    assert!(!lab.path("agent.pid").exists());
}
