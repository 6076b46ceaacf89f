//! Messages with async handlers: fetching, handling, and the effect of a stop.

use std::time::{Duration, Instant};

use look::{Lab, Process};
use nix::sys::signal::Signal;

use crate::async_bodies::lab;
use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended, nothing_left, run, stop};
use crate::messages::{handling, notes};

pub(crate) fn count(lab: &Lab, file: &str) -> usize {
    lab.read(file).lines().count()
}

/// Returns the counters once they satisfy `holds`: fetched, handled, failed, in flight, steps.
#[track_caller]
pub(crate) fn counters(lab: &Lab, daemon: Process, holds: impl Fn(&str) -> bool) -> String {
    let deadline = look::Deadline::after(EVENT_TIMEOUT);
    loop {
        let _ = std::fs::remove_file(lab.path("counters"));
        daemon.signal(Signal::SIGUSR1);
        let counters = lab.wait_for("counters", EVENT_TIMEOUT, |text| text.ends_with('\n'));
        if holds(&counters) || deadline.passed() {
            return counters;
        }
    }
}

pub(crate) const COUNTERS: &str = "handle=SIGUSR1:note_counters";

/// Both runtimes, with an async and with a blocking fetch.
pub(crate) const KINDS: [&[&str]; 4] = [
    &["runtime=multi_thread", "fetch=await"],
    &["runtime=multi_thread"],
    &["runtime=current_thread", "fetch=await"],
    &["runtime=current_thread"],
];

/// Promise 10.06.
#[test]
fn fetch_stops_at_the_pool_size() {
    each(KINDS, |kind| {
        let lab = lab();
        let messages = ["note:begun,await:go,note:done"; 10];
        let daemon = handling(&lab, &messages, &[kind, &["pool_size=3", COUNTERS]].concat());
        notes(&lab, "begun", 3);
        // The inbox has more messages, which are not fetched.
        assert_eq!(counters(&lab, daemon, |_| true), "3 0 0 3 0\n", "{kind:?}");
        assert!(daemon.died(Duration::from_millis(200)).is_err());
        assert_eq!(counters(&lab, daemon, |_| true), "3 0 0 3 0\n", "{kind:?}");
        lab.write("go", "");
        notes(&lab, "done", 10);
        assert_eq!(counters(&lab, daemon, |text| text == "10 10 0 0 0\n"), "10 10 0 0 0\n", "{kind:?}");
        stop(&lab);
        ended(daemon, 0);
        nothing_left(&lab);
    });
}

/// Promise 10.06.
#[test]
fn pool_of_one_handles_messages_in_order() {
    each(KINDS, |kind| {
        let lab = lab();
        let words: Vec<String> = (0..50).map(|number| format!("pause:1,say:{number};")).collect();
        let messages: Vec<&str> = words.iter().map(String::as_str).chain(["note:done"]).collect();
        handling(&lab, &messages, &[kind, &["pool_size=1", "stdout=out"]].concat());
        notes(&lab, "done", 1);
        stop(&lab);
        assert_eq!(lab.read("out"), words.concat().replace("pause:1,say:", ""), "{kind:?}");
    });
}

/// Promise 10.06.
#[test]
fn many_async_messages_need_no_threads() {
    let lab = lab();
    let messages = ["note:begun,await:go"; 150];
    let daemon = handling(&lab, &messages, &["pool_size=150", "runtime=current_thread", "grace=20000"]);
    notes(&lab, "begun", 150);
    lab.write("go", "");
    stop(&lab);
    ended(daemon, 0);
}

/// Promise 10.06. Several threads count at once.
#[test]
fn counters_of_concurrent_handlers_lose_nothing() {
    let lab = lab();
    let messages = vec!["pause:0"; 2_000];
    let daemon = handling(&lab, &messages, &["worker_threads=4", COUNTERS]);
    assert_eq!(counters(&lab, daemon, |text| text.starts_with("2000 2000 ")), "2000 2000 0 0 0\n");
    stop(&lab);
    ended(daemon, 0);
}

/// Promise 10.06.
#[test]
fn stop_waits_neither_for_the_idle_time_nor_for_an_async_fetch() {
    for (last, settings) in [("note:last", &[][..]), ("!fetch_with_guard", &["fetch=await"])] {
        let lab = lab();
        let settings = [&["idle_time=3600000"], settings].concat();
        let daemon = handling(&lab, &["note:handled", last], &settings);
        notes(&lab, "handled", 1);
        notes(&lab, if last.contains("fetch") { "fetching" } else { "last" }, 1);
        let outcome = stop(&lab);
        assert!(outcome.took < Duration::from_secs(4), "{outcome}");
        ended(daemon, 0);
        assert_eq!(lab.read("log"), "");
        assert_eq!(count(&lab, "fetch"), usize::from(last.contains("guard")), "the fetch was not dropped");
        nothing_left(&lab);
    }
}

/// Promise 10.06. A stop waits for messages in flight, whether the fetch awaits or blocks.
#[test]
fn stop_waits_for_messages_in_flight_and_fetches_no_more() {
    let fetches = ["note:more", "!note:fetching,hang", "!fetch_ignoring_stop", "!fetch_until_stop"];
    each(fetches.iter().flat_map(|fetch| RUNTIMES.map(|runtime| (*fetch, runtime))), |(fetch, runtime)| {
        let lab = lab();
        let messages = ["note:begun,await:go,pause:50,note:done", "note:begun,await:go,pause:50,note:done", fetch];
        let pool_size = if fetch.starts_with('!') { "pool_size=3" } else { "pool_size=2" };
        let settings = [pool_size, runtime, "fetch=await", "handle=SIGTERM:note:told", "grace=20000"];
        let daemon = handling(&lab, &messages, &settings);
        notes(&lab, "begun", 2);
        if fetch.starts_with('!') {
            notes(&lab, "fetching", 1);
        }
        let stopping = lab.helper(&["stop", "pidfile=d.pid", "grace=20000"]).spawn();
        notes(&lab, "told", 1);
        assert!(daemon.died(Duration::from_millis(200)).is_err(), "{fetch}: it did not wait");
        lab.write("go", "");
        stopping.finish().ok();
        ended(daemon, 0);
        assert_eq!((count(&lab, "begun"), count(&lab, "done"), count(&lab, "more")), (2, 2, 0), "{fetch}");
        assert_eq!(lab.read("log"), "", "{fetch}");
        nothing_left(&lab);
    });
}

const RUNTIMES: [&str; 2] = ["runtime=multi_thread", "runtime=current_thread"];

/// Promise 10.06.
#[test]
fn unfinished_messages_after_the_grace_are_counted_with_status_1() {
    each(
        [
            ("note:begun,hang", "runtime=current_thread"),
            ("note:begun,hang", "worker_threads=2"),
            ("note_and_block:begun", "worker_threads=3"),
        ],
        |kind| {
            let (hangs, runtime) = kind;
            let lab = lab();
            let daemon = handling(&lab, &[hangs, hangs, "note:handled"], &[runtime, "grace=300"]);
            notes(&lab, "begun", 2);
            notes(&lab, "handled", 1);
            run(&lab, "stop", &["grace=300"]).ok();
            ended(daemon, 1);
            let log = lab.read("log");
            assert!(log.contains("awaits: 2 fetched messages were left unfinished\n"), "{kind:?}: {log}");
            assert!(log.contains("within its grace"), "{kind:?}: {log}");
            nothing_left(&lab);
        },
    );
}

/// Promise 10.06. The only thread cannot resolve receipts, and the daemon exits regardless.
#[test]
fn handler_that_blocks_the_only_thread_is_ended_after_the_grace() {
    for ack in ["told=told", "ack=await"] {
        let lab = lab();
        let settings = ["runtime=current_thread", "grace=300", "told=told", ack];
        let daemon = handling(&lab, &["note_and_block:begun"], &settings);
        notes(&lab, "begun", 1);
        let told = Instant::now();
        daemon.signal(Signal::SIGTERM);
        ended(daemon, 1);
        assert!(told.elapsed() < Duration::from_secs(6), "{:?}", told.elapsed());
        assert!(lab.read("log").contains("1 of the messages fetched"), "{}", lab.read("log"));
        nothing_left(&lab);
    }
}

/// Promise 10.06.
#[test]
fn fetch_that_hangs_is_named_after_the_grace() {
    let lab = lab();
    let daemon = handling(&lab, &["note:handled", "!note_and_block:fetching"], &["grace=300"]);
    notes(&lab, "fetching", 1);
    notes(&lab, "handled", 1);
    run(&lab, "stop", &["grace=300"]).ok();
    ended(daemon, 1);
    let log = lab.read("log");
    assert!(log.contains("the function that fetches messages did not return"), "{log}");
    assert!(!log.contains("not handled"), "{log}");
}

/// Promise 10.06.
#[test]
fn stop_from_handler_ends_the_daemon() {
    let lab = lab();
    let daemon = handling(&lab, &["stop_on_go"], &[]);
    lab.write("go", "");
    ended(daemon, 0);
    assert_eq!(count(&lab, "stopped"), 1);
    nothing_left(&lab);
}

/// Promise 10.06.
#[test]
fn annotated_async_handler_runs() {
    let lab = lab();
    lab.run(&["handle"]).ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    notes(&lab, "jobs", 5);
    daemon.signal(Signal::SIGTERM);
    ended(daemon, 0);
    let jobs = lab.read("jobs");
    assert!((0..5).all(|job| jobs.contains(&format!("handled {job} {}\n", daemon.id()))), "{jobs}");
}
