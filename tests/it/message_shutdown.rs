//! Messages in flight when the daemon ends: every receipt is resolved first, whichever thread ends it.

use std::time::{Duration, Instant};

use look::{Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{each, ended, nothing_left};
use crate::messages::{handling, notes};

/// The kinds of daemon: handlers in threads, and in tasks of either runtime with async receipts.
const KINDS: [Kind; 3] = [
    Kind { lab: crate::common::lab, settings: &[] },
    Kind { lab: crate::async_bodies::lab, settings: &["ack=await"] },
    Kind { lab: crate::async_bodies::lab, settings: &["ack=await", "runtime=current_thread"] },
];

/// A message whose handler never returns.
const HANGS: &str = "note:begun,hang";

#[derive(Clone, Copy)]
struct Kind {
    lab: fn() -> Lab,
    settings: &'static [&'static str],
}

impl Kind {
    fn start(self, lab: &Lab, messages: &[&str], settings: &[&str]) -> Process {
        handling(lab, messages, &[&["told=told"], self.settings, settings].concat())
    }
}

/// Returns the lines of the file `told`, sorted.
fn told(lab: &Lab) -> Vec<String> {
    let mut told: Vec<String> = lab.read("told").lines().map(str::to_owned).collect();
    told.sort_unstable();
    told
}

/// Asserts that the daemon lives on for a while, since it waits for receipts.
#[track_caller]
fn goes_on(daemon: Process) {
    assert!(daemon.died(Duration::from_millis(300)).is_err(), "it ended amid that");
}

/// Promises 9.07, 10.10. The body's thread finds nothing in flight while receipts are still being resolved.
#[test]
fn handlers_that_end_after_the_grace_do_not_cut_off_receipts() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let messages = ["note:begun,await:late,note:ended"; 8];
        let settings = ["grace=300", "nack=note:telling,await:go", "nack_timeout=20000"];
        let daemon = kind.start(&lab, &messages, &settings);
        notes(&lab, "begun", 8);
        daemon.signal(Signal::SIGTERM);
        notes(&lab, "telling", 8);
        lab.write("late", "");
        notes(&lab, "ended", 8);
        goes_on(daemon);
        lab.write("go", "");
        ended(daemon, 1);
        assert_eq!(told(&lab), ["Unfinished note:begun,await:late,note:ended"; 8]);
        assert!(lab.read("log").contains("8 fetched messages were left unfinished"), "{}", lab.read("log"));
        nothing_left(&lab);
    });
}

/// Promises 9.07, 10.10. A receipt that a worker is resolving when the grace ends is waited for, and its message is not
/// cut off.
#[test]
fn acknowledgement_under_way_is_finished_when_the_grace_ends() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let messages = ["note:handled", HANGS];
        let settings = ["grace=300", "ack=note:telling,await:go", "nack_timeout=20000"];
        let daemon = kind.start(&lab, &messages, &settings);
        notes(&lab, "telling", 1);
        notes(&lab, "begun", 1);
        daemon.signal(Signal::SIGTERM);
        // The grace is over.
        notes(&lab, "told", 1);
        goes_on(daemon);
        lab.write("go", "");
        ended(daemon, 1);
        assert_eq!(told(&lab), [&format!("Unfinished {HANGS}"), "ack note:handled"]);
        let log = lab.read("log");
        assert!(log.contains("1 fetched messages were left unfinished"), "{log}");
        assert!(!log.contains("receipts"), "{log}");
    });
}

/// Promises 9.07, 10.10. All receipts share one `nack_timeout`, and are resolved concurrently; the remaining ones are
/// counted.
#[test]
fn hanging_receipts_are_counted_and_the_daemon_ends_in_time() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let daemon = kind.start(&lab, &[HANGS; 3], &["grace=200", "nack_timeout=400", "nack=hang"]);
        notes(&lab, "begun", 3);
        let begin = Instant::now();
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 1);
        assert!(begin.elapsed() >= Duration::from_millis(600), "{:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
        let log = lab.read("log");
        assert!(log.contains("3 fetched messages were left unfinished"), "{log}");
        assert!(log.contains("; 3 receipts were not settled within 400ms"), "{log}");
        nothing_left(&lab);
    });
}

/// Promises 9.07, 10.10. Stop signals during the resolution of receipts do not shorten it.
#[test]
fn stop_signals_do_not_cut_off_receipts() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let settings = ["nack=note:telling,await:go", "nack_timeout=20000"];
        let daemon = kind.start(&lab, &[HANGS; 3], &settings);
        notes(&lab, "begun", 3);
        daemon.signal(Signal::SIGTERM);
        // Several signals in quick succession count as one stop.
        assert!(daemon.died(Duration::from_millis(800)).is_err());
        daemon.signal(Signal::SIGTERM);
        notes(&lab, "telling", 3);
        daemon.signal(Signal::SIGTERM);
        daemon.signal(Signal::SIGINT);
        goes_on(daemon);
        lab.write("go", "");
        ended(daemon, 1);
        assert_eq!(told(&lab), vec![format!("Unfinished {HANGS}"); 3]);
        assert!(lab.read("log").contains("received a second stop signal"), "{}", lab.read("log"));
    });
}

/// Promises 9.07, 10.10. The exit status is that of the code that calls `exit`.
#[test]
fn exit_in_a_handler_resolves_receipts_in_flight() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let daemon = kind.start(&lab, &[HANGS, HANGS, "await:go,exit:7"], &["nack=pause:50"]);
        notes(&lab, "begun", 2);
        lab.write("go", "");
        ended(daemon, 7);
        // In a runtime with one thread, which is the exiting one, nothing can be awaited any more.
        let blocked = kind.settings.contains(&"runtime=current_thread");
        let expected = if blocked { 0 } else { 3 };
        assert_eq!(lab.read("told").lines().count(), expected, "{:?}", kind.settings);
        let log = lab.read("log");
        assert!(log.contains("3 fetched messages were left unfinished"), "{log}");
        assert_eq!(log.contains("3 receipts were not settled"), blocked, "{log}");
    });
}

/// Promise 9.07. A panic that no guard of the messages catches ends the body's thread.
#[test]
fn panic_of_the_body_waits_for_messages_in_flight() {
    let lab = crate::common::lab();
    let settings = ["told=told", "left=note:left,panic:no bug", "grace=20000"];
    let daemon = handling(&lab, &["note:begun,await:go"; 2], &settings);
    notes(&lab, "begun", 2);
    daemon.signal(Signal::SIGTERM);
    notes(&lab, "left", 1);
    goes_on(daemon);
    lab.write("go", "");
    ended(daemon, 4);
    assert_eq!(told(&lab), ["ack note:begun,await:go"; 2]);
}
