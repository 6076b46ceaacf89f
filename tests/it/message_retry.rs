//! Failed messages: when they are retried, and when they are given up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use look::Lab;
use nix::sys::signal::Signal;

use crate::common::{PIDFILE, each, ended, lab, needs, needs_root, nothing_left, run, shared_lab, stop};
use crate::messages::{handling, notes};

/// The kinds of daemon: handlers in threads, and in tasks of either runtime with async receipts.
const KINDS: [Kind; 3] = [
    Kind { lab, settings: &["told=told", "requeue=true"] },
    Kind { lab: crate::async_bodies::lab, settings: &["told=told", "ack=await", "requeue=true"] },
    Kind {
        lab: crate::async_bodies::lab,
        settings: &["told=told", "ack=await", "requeue=true", "runtime=current_thread"],
    },
];

#[derive(Clone, Copy)]
struct Kind {
    lab: fn() -> Lab,
    settings: &'static [&'static str],
}

const FAILS: &str = "note:tried,err:no paper";

/// Promises 9.08, 10.11. By default, a message that always fails is not retried in a busy loop.
#[test]
fn message_that_fails_is_handled_again_after_a_second() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let begin = Instant::now();
        let daemon = handling(&lab, &[FAILS], kind.settings);
        notes(&lab, "tried", 2);
        assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
        stop(&lab);
        ended(daemon, 0);
        nothing_left(&lab);
    });
}

/// Promises 9.08, 10.11, 9.09, 10.12.
#[test]
fn message_is_given_up_after_its_last_attempt_with_doubled_delays() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let begin = Instant::now();
        let daemon = handling(&lab, &[FAILS, "note:fine"], &[kind.settings, &["retry=200:300:4"]].concat());
        notes(&lab, "told", 5);
        // 200, then 400 and 800, both limited by the longest delay.
        assert!(begin.elapsed() >= Duration::from_millis(200 + 300 + 300), "{:?}", begin.elapsed());
        stop(&lab);
        ended(daemon, 0);
        let told = lab.read("told");
        let failures: Vec<&str> = told.lines().filter(|line| line.ends_with("paper")).collect();
        let failed = format!("Failed {FAILS}");
        assert_eq!(failures, [&failed, &failed, &failed, &format!("Exhausted {FAILS}")]);
        assert_eq!(lab.read("tried").lines().count(), 4);
        let log = lab.read("log");
        assert!(log.contains("giving up a message whose handler failed in attempt 4"), "{log}");
    });
}

/// Promises 9.08, 10.11. A message that waits for its retry occupies neither a worker nor a slot of the pool.
#[test]
fn messages_that_wait_for_their_retry_block_no_others() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let messages = [FAILS, FAILS, FAILS, "note:fine", "note:fine"];
        let daemon = handling(&lab, &messages, &[kind.settings, &["retry=3600000:3600000", "pool_size=1"]].concat());
        notes(&lab, "fine", 2);
        let begin = Instant::now();
        stop(&lab);
        assert!(begin.elapsed() < Duration::from_secs(8), "the stop waited: {:?}", begin.elapsed());
        ended(daemon, 0);
        // Resolved now, since the daemon ends.
        let told = lab.read("told");
        assert_eq!(told.matches("Failed").count(), 3, "{told}");
        assert_eq!(lab.read("log").matches("messages fetched were not").count(), 0, "{}", lab.read("log"));
    });
}

/// Promises 9.07, 10.10. Waiting receipts are resolved like all others when the grace is over.
#[test]
fn messages_that_wait_for_their_retry_are_resolved_at_the_end_of_the_grace() {
    each(KINDS, |kind| {
        let lab = (kind.lab)();
        let hangs = "note:begun,hang";
        let settings = ["retry=3600000:3600000", "grace=300"];
        let daemon = handling(&lab, &[FAILS, hangs], &[kind.settings, &settings].concat());
        notes(&lab, "tried", 1);
        notes(&lab, "begun", 1);
        run(&lab, "stop", &["grace=300"]).ok();
        ended(daemon, 1);
        let told = lab.read("told");
        let mut told: Vec<&str> = told.lines().collect();
        told.sort_unstable();
        assert_eq!(told, [format!("Failed {FAILS}"), format!("Unfinished {hangs}")]);
        let log = lab.read("log");
        assert!(log.contains("1 fetched messages were left unfinished"), "{log}");
    });
}

/// Promise 9.08. If no thread can be created for the delay, the message comes back early, and is not lost. The user's
/// limit of processes does not apply to root.
#[test]
fn retry_without_a_thread_comes_early() {
    needs(&["setpriv", "prlimit"]);
    needs_root();
    let lab = shared_lab();
    // A uid of its own, so that only the processes of this test count.
    let someone = nix::unistd::Uid::from_raw(45_673);
    nix::unistd::chown(lab.directory(), Some(someone), None).expect("a directory of ours");
    lab.write("inbox", format!("note:begun,await:go,{FAILS}\n"));
    fs::set_permissions(lab.path("inbox"), PermissionsExt::from_mode(0o644)).expect("a file of ours");
    // The daemon's main thread, the signal thread, and the worker.
    let limited = ["--reuid=45673", "--regid=45673", "--clear-groups", "prlimit", "--nproc=3:3"];
    let settings = ["foreground", "pidfile=d.pid", "inbox=inbox", "told=told", "idle_time=10", "retry=3600000:3600000"];
    let running = lab.command("setpriv", &limited).arg(lab.program()).args(settings).spawn();
    notes(&lab, "begun", 1);
    lab.write("go", "");
    notes(&lab, "told", 1);
    assert!(lab.read("told").starts_with("Failed"), "{}", lab.read("told"));
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Promise 9.06.
#[test]
fn invalid_retry_is_a_configuration_error() {
    let lab = lab();
    for (settings, says) in [
        ("inbox=inbox retry=0:100", "the `delay` of `retry` is zero"),
        ("inbox=inbox retry=100:max", "a delay of `retry` is longer than a hundred years"),
        ("inbox=inbox retry=100:100:0", "`attempts` of `retry` is zero"),
        ("retry=100:100", "`retry` is for messages"),
        ("inbox=inbox nack_timeout=0", "`nack_timeout` is zero"),
        ("nack_timeout=10", "`nack_timeout` is for messages"),
        (
            "inbox=inbox grace=1000 stop_timeout=1500 nack_timeout=600",
            "is shorter than `grace` (1s) and `nack_timeout` (600ms)",
        ),
    ] {
        let settings: Vec<&str> = settings.split(' ').collect();
        run(&lab, "start", &settings).exits(2).says(&["failed to configure the daemon", says]);
        nothing_left(&lab);
    }
    assert!(fs::metadata(lab.path("inbox")).is_err());
}
