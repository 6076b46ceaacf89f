//! Receipts of messages with async handlers, and errors of handlers and fetches.

use crate::async_bodies::lab;
use crate::async_messages::{COUNTERS, KINDS, count, counters};
use crate::common::{EVENT_TIMEOUT, adopt, each, ended, run, start, stop, times};
use crate::messages::{handling, notes};
use nix::sys::signal::Signal;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

/// Promise 10.07.
#[test]
fn receipt_of_each_message_is_resolved_once() {
    each(
        KINDS.iter().flat_map(|kind| ["told=told", "ack=await"].map(|ack| [kind, &["told=told", ack][..]].concat())),
        |kind| {
            let lab = lab();
            let messages = ["note:fine", "err:no paper", "panic:no ink", "note:begun,hang"];
            let daemon = handling(&lab, &messages, &[&kind[..], &["grace=300"]].concat());
            notes(&lab, "told", 3);
            notes(&lab, "begun", 1);
            run(&lab, "stop", &["grace=300"]).ok();
            ended(daemon, 1);
            let told = lab.read("told");
            let mut told: Vec<&str> = told.lines().collect();
            told.sort_unstable();
            let all = ["Failed err:no paper", "Failed panic:no ink", "Unfinished note:begun,hang", "ack note:fine"];
            assert_eq!(told, all, "{kind:?}");
        },
    );
}

/// Promise 10.07. The pool is busy, so that slots of receipts are reused many times.
#[test]
fn receipts_of_many_messages_are_each_resolved() {
    let lab = lab();
    let messages: Vec<String> = (0..times(600, 20_000))
        .map(|number| match number % 3 {
            0 => format!("pause:0,err:{number}"),
            1 => format!("pause:0,say:{number}"),
            _ => format!("say:{number}"),
        })
        .collect();
    let lines: Vec<&str> = messages.iter().map(String::as_str).collect();
    let daemon = handling(&lab, &lines, &["told=told", "ack=await", "pool_size=7", "worker_threads=3"]);
    lab.wait_for("told", EVENT_TIMEOUT * 6, |told| told.lines().count() == lines.len());
    stop(&lab);
    ended(daemon, 0);
    let told = lab.read("told");
    let mut told: Vec<&str> = told.lines().collect();
    let mut all: Vec<String> =
        lines.iter().map(|line| format!("{} {line}", if line.contains("err") { "Failed" } else { "ack" })).collect();
    told.sort_unstable();
    all.sort_unstable();
    assert!(told == all, "not each was told once");
}

/// Promise 10.07.
#[test]
fn message_is_not_acknowledged_before_it_is_handled() {
    let lab = lab();
    let daemon = handling(&lab, &["note:begun,await:go"; 3], &["told=told"]);
    notes(&lab, "begun", 3);
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("killed");
    // A killed daemon does not resolve receipts.
    assert_eq!(lab.read("told"), "");
}

/// Promise 10.07.
#[test]
fn second_signal_ends_the_wait_and_resolves_the_rest() {
    let lab = lab();
    let daemon = handling(&lab, &["note:begun,hang"], &["told=told", "ack=await", "handle=SIGTERM:note:told-to"]);
    notes(&lab, "begun", 1);
    daemon.signal(Signal::SIGTERM);
    notes(&lab, "told-to", 1);
    // Several signals in quick succession count as one stop.
    assert!(daemon.died(Duration::from_millis(800)).is_err());
    daemon.signal(Signal::SIGTERM);
    ended(daemon, 1);
    assert_eq!(lab.read("told"), "Unfinished note:begun,hang\n");
}

/// Promise 10.07.
#[test]
fn failed_acknowledgement_is_logged_only() {
    let lab = lab();
    let daemon = handling(&lab, &["note:one", "note:two"], &["told=missing/told", "ack=await", "pool_size=1"]);
    notes(&lab, "two", 1);
    stop(&lab);
    ended(daemon, 0);
    let log = lab.read("log");
    assert_eq!(log.matches("settling a receipt failed: No such file").count(), 2, "{log}");
}

/// Promise 10.08.
#[test]
fn failed_handler_costs_its_message_only() {
    each(KINDS, |kind| {
        let lab = lab();
        let messages = ["err:no paper", "pause:1,panic:no ink", "note:handled"];
        let daemon = handling(&lab, &messages, &[kind, &["pool_size=1", COUNTERS]].concat());
        notes(&lab, "handled", 1);
        assert_eq!(counters(&lab, daemon, |text| text == "3 1 2 0 0\n"), "3 1 2 0 0\n", "{kind:?}");
        stop(&lab);
        ended(daemon, 0);
        let log = lab.read("log");
        assert!(log.contains("awaits: the handler of a message failed: no paper"), "{kind:?}: {log}");
        assert!(log.contains("awaits: the handler of a message panicked: no ink"), "{kind:?}: {log}");
    });
}

/// Promise 10.08.
#[test]
fn failed_fetch_is_logged_and_retried() {
    each(KINDS, |kind| {
        let lab = lab();
        let daemon = handling(&lab, &["!err:no broker", "note:one", "!panic:no bug", "note:two"], kind);
        notes(&lab, "one", 1);
        notes(&lab, "two", 1);
        stop(&lab);
        ended(daemon, 0);
        let log = lab.read("log");
        assert!(log.contains("awaits: fetching a message failed: no broker"), "{kind:?}: {log}");
    });
}

/// Promise 10.08.
#[test]
fn repeated_error_is_logged_at_intervals() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["inbox=inbox", "idle_time=1", "stderr=log", "fetch=await"]));
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("fetching a message failed: No such file"));
    // Long enough for hundreds of messages.
    assert!(daemon.died(Duration::from_millis(500)).is_err());
    assert_eq!(count(&lab, "log"), 1, "{}", lab.read("log"));
    lab.write("inbox", "note:handled\n");
    notes(&lab, "handled", 1);
    OpenOptions::new().append(true).open(lab.path("inbox")).unwrap().write_all(b"note:later\n").unwrap();
    notes(&lab, "later", 1);
    stop(&lab);
    ended(daemon, 0);
}
