//! Receipts of messages, and errors of handlers and fetches.

use crate::common::{EVENT_TIMEOUT, adopt, ended, lab, run, start, stop};
use crate::messages::{handling, notes, workers};
use nix::sys::signal::Signal;
use std::time::Duration;

/// Promise 9.03.
#[test]
fn receipt_of_each_message_is_resolved_once() {
    let lab = lab();
    let messages = ["note:fine", "err:no paper", "panic:no ink", "note:begun,hang"];
    let daemon = handling(&lab, &messages, &["told=told", "grace=300"]);
    notes(&lab, "told", 3);
    notes(&lab, "begun", 1);
    run(&lab, "stop", &["grace=300"]).ok();
    ended(daemon, 1);
    let told = lab.read("told");
    let mut told: Vec<&str> = told.lines().collect();
    told.sort_unstable();
    assert_eq!(told, ["Failed err:no paper", "Failed panic:no ink", "Unfinished note:begun,hang", "ack note:fine"]);
}

/// Promise 9.03.
#[test]
fn message_is_not_acknowledged_before_it_is_handled() {
    let lab = lab();
    let daemon = handling(&lab, &["note:begun,await:go"; 3], &["told=told"]);
    notes(&lab, "begun", 3);
    assert_eq!(lab.read("told"), "");
    // A killed daemon does not resolve receipts.
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("killed");
    assert_eq!(lab.read("told"), "");
}

/// Promise 9.03.
#[test]
fn failed_acknowledgement_is_logged_only() {
    let lab = lab();
    let daemon = handling(&lab, &["note:one", "note:two"], &["told=missing/told", "pool_size=1"]);
    notes(&lab, "two", 1);
    stop(&lab);
    ended(daemon, 0);
    let log = lab.read("log");
    assert_eq!(log.matches("settling a receipt failed: No such file").count(), 2, "{log}");
}

/// Promise 9.04.
#[test]
fn failed_handler_costs_its_message_only() {
    let lab = lab();
    let messages = ["err:no paper", "panic:no ink", "note:handled"];
    let daemon = handling(&lab, &messages, &["pool_size=1", "handle=USR1:note_counters"]);
    notes(&lab, "handled", 1);
    assert_eq!(workers(daemon), 1);
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("counters", EVENT_TIMEOUT, |text| !text.is_empty());
    stop(&lab);
    ended(daemon, 0);
    let log = lab.read("log");
    assert!(log.contains("lab: the handler of a message failed: no paper"), "{log}");
    assert!(log.contains("lab: the handler of a message panicked: no ink"), "{log}");
    let counters = lab.read("counters");
    assert!(["3 1 2 0 0\n", "3 0 2 1 0\n"].contains(&counters.as_str()), "{counters}");
}

/// Promise 9.04.
#[test]
fn failed_fetch_is_logged_and_retried() {
    let lab = lab();
    let daemon = handling(&lab, &["!err:no broker", "note:one", "!panic:no bug", "note:two"], &[]);
    notes(&lab, "one", 1);
    notes(&lab, "two", 1);
    stop(&lab);
    ended(daemon, 0);
    let log = lab.read("log");
    assert!(log.contains("lab: fetching a message failed: no broker"), "{log}");
}

/// Promise 9.04.
#[test]
fn repeated_error_is_logged_at_intervals() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["inbox=inbox", "idle_time=1", "stderr=log"]));
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("fetching a message failed: No such file"));
    // Long enough for hundreds of messages.
    assert!(daemon.died(Duration::from_millis(500)).is_err());
    assert_eq!(lab.read("log").lines().count(), 1, "{}", lab.read("log"));
    lab.write("inbox", "note:handled\n");
    notes(&lab, "handled", 1);
    stop(&lab);
    ended(daemon, 0);
}
