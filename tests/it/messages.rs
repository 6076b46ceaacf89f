//! Daemons that handle messages: fetching, handling, and the effect of a stop.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use look::{Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{
    EVENT_TIMEOUT, PIDFILE, adopt, ended, lab, needs, needs_root, nothing_left, run, shared_lab, start, stop,
};

/// Starts a daemon that handles these messages; each line lists the actions of its handler.
#[track_caller]
pub(crate) fn handling(lab: &Lab, messages: &[&str], settings: &[&str]) -> Process {
    lab.write("inbox", messages.join("\n") + "\n");
    let settings = [&["inbox=inbox", "idle_time=10", "stderr=log"], settings].concat();
    adopt(start(lab, &settings))
}

/// Adds messages to the inbox.
pub(crate) fn add(lab: &Lab, messages: &[&str]) {
    let mut inbox = OpenOptions::new().append(true).open(lab.path("inbox")).expect("an inbox");
    inbox.write_all((messages.join("\n") + "\n").as_bytes()).expect("an inbox that can be written");
}

/// Waits until the file has `count` notes.
#[track_caller]
pub(crate) fn notes(lab: &Lab, file: &str, count: usize) {
    lab.wait_for(file, EVENT_TIMEOUT, |notes| notes.lines().count() == count);
}

pub(crate) fn workers(daemon: Process) -> usize {
    let is_worker = |thread: &Process| thread.stat().is_some_and(|stat| stat.name == "daemon-worker");
    daemon.threads().iter().filter(|thread| is_worker(thread)).count()
}

/// Promise 9.01.
#[test]
fn fetch_stops_at_the_number_of_workers() {
    let lab = lab();
    let messages = ["note:begun,await:go,note:done"; 10];
    let daemon = handling(&lab, &messages, &["pool_size=3", "handle=USR1:note_counters"]);
    notes(&lab, "begun", 3);
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("counters", EVENT_TIMEOUT, |text| text == "3 0 0 3 0\n");
    assert_eq!(workers(daemon), 3);
    lab.write("go", "");
    notes(&lab, "done", 10);
    assert_eq!(workers(daemon), 3);
    stop(&lab);
    ended(daemon, 0);
}

/// Promise 9.01.
#[test]
fn one_worker_handles_messages_in_order() {
    let lab = lab();
    let words: Vec<String> = (0..50).map(|number| format!("say:{number};")).collect();
    let messages: Vec<&str> = words.iter().map(String::as_str).chain(["note:done"]).collect();
    handling(&lab, &messages, &["pool_size=1", "stdout=out"]);
    notes(&lab, "done", 1);
    stop(&lab);
    assert_eq!(lab.read("out"), words.concat().replace("say:", ""));
}

/// Promise 9.01.
#[test]
fn daemon_without_messages_has_no_workers() {
    let lab = lab();
    let daemon = handling(&lab, &["note:first"], &[]);
    notes(&lab, "first", 1);
    add(&lab, &["note:second"]);
    notes(&lab, "second", 1);
    assert_eq!(workers(daemon), 1);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 9.02.
#[test]
fn stop_does_not_wait_for_the_idle_time() {
    let lab = lab();
    let daemon = handling(&lab, &["note:handled"], &["idle_time=3600000"]);
    notes(&lab, "handled", 1);
    let outcome = stop(&lab);
    assert!(outcome.took < Duration::from_secs(3), "{outcome}");
    ended(daemon, 0);
    assert_eq!(lab.read("log"), "");
    nothing_left(&lab);
}

/// Promise 9.02.
#[test]
fn stop_waits_for_messages_in_flight() {
    stopped_in_flight(&["pool_size=5"], 2);
}

/// Promise 9.02.
#[test]
fn stop_fetches_no_further_messages() {
    stopped_in_flight(&["pool_size=2"], 7);
}

/// Stops a daemon that has two messages in flight, after `messages` others.
#[track_caller]
fn stopped_in_flight(settings: &[&str], messages: usize) {
    let lab = lab();
    let messages = vec!["note:begun,await:go,pause:100,note:done"; messages];
    let daemon = handling(&lab, &messages, &[&["handle=TERM:note:told", "grace=20000"], settings].concat());
    notes(&lab, "begun", 2);
    let stopping = lab.helper(&["stop", "pidfile=d.pid", "grace=20000"]).spawn();
    notes(&lab, "told", 1);
    assert!(daemon.alive());
    lab.write("go", "");
    stopping.finish().ok();
    ended(daemon, 0);
    assert_eq!((lab.read("begun").lines().count(), lab.read("done").lines().count()), (2, 2));
    assert_eq!(lab.read("log"), "");
    nothing_left(&lab);
}

/// Promise 9.02.
#[test]
fn unfinished_messages_after_the_grace_are_counted_with_status_1() {
    let lab = lab();
    let daemon = handling(&lab, &["note:begun,hang", "note:begun,hang", "note:handled"], &["grace=300"]);
    notes(&lab, "begun", 2);
    notes(&lab, "handled", 1);
    run(&lab, "stop", &["grace=300"]).ok();
    ended(daemon, 1);
    let log = lab.read("log");
    assert!(log.contains("2 fetched messages were left unfinished (2 begun, 0 not begun)"), "{log}");
    assert!(log.contains("within its grace"), "{log}");
    nothing_left(&lab);
}

/// Promise 9.02.
#[test]
fn second_signal_ends_the_wait_and_counts_the_rest() {
    let lab = lab();
    let daemon = handling(&lab, &["note:begun,hang"], &["told=told"]);
    notes(&lab, "begun", 1);
    daemon.signal(Signal::SIGTERM);
    // Several signals in quick succession count as one stop.
    assert!(daemon.died(Duration::from_millis(800)).is_err());
    daemon.signal(Signal::SIGTERM);
    ended(daemon, 1);
    assert!(lab.read("log").contains("1 of the messages fetched"), "{}", lab.read("log"));
    assert_eq!(lab.read("told"), "Unfinished note:begun,hang\n");
}

/// Promise 9.02.
#[test]
fn fetch_that_hangs_is_named_after_the_grace() {
    let lab = lab();
    let daemon = handling(&lab, &["note:handled", "!note:fetching,hang"], &["grace=300"]);
    notes(&lab, "fetching", 1);
    notes(&lab, "handled", 1);
    run(&lab, "stop", &["grace=300"]).ok();
    ended(daemon, 1);
    let log = lab.read("log");
    assert!(log.contains("the function that fetches messages did not return"), "{log}");
    assert!(!log.contains("not handled"), "{log}");
}

/// Promise 9.02.
#[test]
fn message_fetched_during_the_stop_is_handled() {
    let lab = lab();
    let daemon = handling(&lab, &["!note:fetching,await:go", "note:handled", "note:not-fetched"], &[]);
    notes(&lab, "fetching", 1);
    daemon.signal(Signal::SIGTERM);
    lab.write("go", "");
    ended(daemon, 0);
    // The signal may come before or after the fetch; a message that was fetched is handled.
    assert!(lab.read("log").is_empty(), "{}", lab.read("log"));
    assert_eq!(lab.read("handled").lines().count(), 1);
}

/// Promise 9.02.
#[test]
fn stop_from_handler_ends_the_daemon() {
    let lab = lab();
    let daemon = handling(&lab, &["stop_on_go:stopped"], &[]);
    lab.write("go", "");
    ended(daemon, 0);
    assert_eq!(lab.read("stopped").lines().count(), 1);
    nothing_left(&lab);
}

/// Promise 9.05. The user's limit of processes does not apply to root.
#[test]
fn workers_that_cannot_be_spawned_lose_no_message() {
    needs(&["setpriv", "prlimit"]);
    needs_root();
    let lab = shared_lab();
    // A uid of its own, so that no other process counts.
    let someone = nix::unistd::Uid::from_raw(45_672);
    nix::unistd::chown(lab.directory(), Some(someone), None).expect("a directory of ours");
    lab.write("inbox", "note:begun,await:go,note:done\n".repeat(8));
    fs::set_permissions(lab.path("inbox"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .expect("a file of ours");
    // The launcher, the session leader (until it is reaped) and the daemon with its signal thread; so at most two
    // workers.
    let limited = ["--reuid=45672", "--regid=45672", "--clear-groups", "prlimit", "--nproc=4:4"];
    let settings = ["start", "pidfile=d.pid", "inbox=inbox", "idle_time=10", "stderr=log", "pool_size=6"];
    lab.command("setpriv", &limited).arg(lab.program()).args(settings).run().ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("failed to spawn one more worker thread"));
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    // Long enough for another attempt, whose failure is not logged.
    assert!(daemon.died(Duration::from_millis(1500)).is_err());
    assert!([1, 2].contains(&workers(daemon)), "{} workers", workers(daemon));
    lab.write("go", "");
    notes(&lab, "done", 8);
    daemon.signal(Signal::SIGTERM);
    ended(daemon, 0);
    assert_eq!(lab.read("log").lines().count(), 1, "{}", lab.read("log"));
}

/// Promise 9.05. The first thread is the signal thread, the second the first worker; the third cannot be created at
/// first.
#[test]
fn message_without_thread_is_handled_once_one_can_be_spawned() {
    needs(&["strace"]);
    let lab = lab();
    lab.write("inbox", "note:first,await:go\n!note:fetching,await:second\nnote:second-begun\n");
    let inject = "inject=clone3:error=EAGAIN:when=3";
    let strace = ["-f", "-qq", "-o", "trace", "-e", "trace=clone3", "-e", inject];
    let settings = ["foreground", "pidfile=d.pid", "inbox=inbox", "idle_time=10", "stderr=log"];
    let running = lab.command("strace", &strace).arg(lab.program()).args(settings).spawn();
    notes(&lab, "first", 1);
    lab.write("second", "");
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("failed to spawn one more worker thread, going on with 1"));
    notes(&lab, "second-begun", 1);
    assert_eq!(lab.read("trace").matches("INJECTED").count(), 1);
    lab.write("go", "");
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Promise 9.06.
#[test]
fn invalid_pool_size_is_a_configuration_error() {
    let lab = lab();
    for (settings, says) in [
        ("inbox=inbox pool_size=0", "`pool_size` is zero"),
        ("inbox=inbox pool_size=32769", "`pool_size` is more than 32768"),
        ("inbox=inbox idle_time=0", "`idle_time` is zero"),
        ("inbox=inbox idle_time=max", "`idle_time` is longer than a hundred years"),
        ("inbox=inbox every=100", "`every` is the pace of steps"),
        ("pool_size=3", "`pool_size` is for messages"),
        ("step=count idle_time=3", "`idle_time` is for messages"),
    ] {
        let settings: Vec<&str> = settings.split(' ').collect();
        run(&lab, "start", &settings).exits(2).says(&["failed to configure the daemon", says]);
        nothing_left(&lab);
    }
}

#[test]
fn messages_are_handled_in_the_foreground_and_after_a_restart() {
    let lab = lab();
    lab.write("inbox", "note:handled\n");
    let running = lab.helper(&["foreground", "pidfile=d.pid", "inbox=inbox", "told=told"]).spawn();
    notes(&lab, "told", 1);
    run(&lab, "restart", &["inbox=inbox"]).ok();
    running.finish().ok();
    notes(&lab, "handled", 2);
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn steps_are_counted() {
    let lab = lab();
    let daemon = start(&lab, &["step=note:steps,ask", "every=20", "handle=USR1:note_counters"]);
    lab.wait_for("steps", EVENT_TIMEOUT, |notes| notes.lines().count() >= 5);
    daemon.signal(Signal::SIGUSR1);
    let counters = lab.wait_for("counters", EVENT_TIMEOUT, |text| text.starts_with("0 0 0 0 "));
    let steps: usize = counters.trim_start_matches("0 0 0 0 ").trim().parse().expect("a number");
    // The last step has noted itself and may not have ended yet.
    assert!((4..=lab.read("steps").lines().count()).contains(&steps), "{counters}");
    stop(&lab);
}
