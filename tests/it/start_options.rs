//! Options of a start: one log for both streams, no pidfile, a pidfile held by the caller, a callback for the output.

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, each, lab, nothing_left, run, start, stop};

/// Promise 1.39. HUP reopens the log once, so that both streams still share one description.
#[test]
fn log_of_detached_daemon_takes_both_streams_and_is_reopened_on_hup() {
    let lab = lab();
    let daemon =
        start(&lab, &["log=log", "body=say:one\n,complain:two\n,idle", "handle=HUP:say:three\n,complain:four\n"]);
    lab.wait_for("log", EVENT_TIMEOUT, |text| text == "one\ntwo\n");
    let descriptors = daemon.descriptors();
    assert!([1, 2].iter().all(|fd| descriptors[fd].is(lab.path("log"))), "{descriptors:?}");
    std::fs::rename(lab.path("log"), lab.path("old")).expect("a log");
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("log", EVENT_TIMEOUT, |text| text == "three\nfour\n");
    assert_eq!(lab.read("old"), "one\ntwo\n");
    stop(&lab);
}

/// Promise 1.39.
#[test]
fn stream_that_is_set_wins_over_the_log() {
    each([("stdout", "two\n", "one\n"), ("stderr", "one\n", "two\n")], |(stream, in_log, in_own)| {
        let lab = lab();
        start(&lab, &["log=log", &format!("{stream}=own"), "body=say:one\n,complain:two\n,idle"]);
        lab.wait_for("log", EVENT_TIMEOUT, |text| text == in_log);
        lab.wait_for("own", EVENT_TIMEOUT, |text| text == in_own);
        stop(&lab);
    });
}

/// Promise 1.39.
#[test]
fn log_of_foreground_daemon_is_not_created() {
    let lab = lab();
    let daemon = lab.helper(&["foreground", "pidfile=d.pid", "log=log", "body=note:begun,say:one,complain:two"]).run();
    daemon.ok().prints(&["one"]).says(&["two"]);
    assert!(!lab.path("log").exists());
    let unusable = run(&lab, "start", &["log=."]).exits(2);
    unusable.says(&["failed to configure the daemon: `log` `", "it is a directory"]);
    run(&lab, "start", &["log=text:x"]).exits(2).says(&["`log` cannot be a text"]);
    nothing_left(&lab);
}

/// Promise 1.40.
#[test]
fn daemon_without_pidfile_is_known_by_its_pid_alone() {
    let lab = lab();
    let verb = |verb: &str, settings: &[&str]| lab.helper(&[verb, "pidfile=none"]).args(settings).run();
    let first = verb("start", &["body=note:begun,idle"]).ok().number("started");
    let second = verb("start", &["body=note:begun,idle"]).ok().number("started");
    let running: Vec<i32> = lab.processes().into_iter().map(look::Process::id).collect();
    assert!(running.contains(&first) && running.contains(&second), "{running:?}");
    assert!(!lab.path(PIDFILE).exists() && !lab.path(LOCK).exists());
    let why = "`lab`: it runs without a pidfile (`pidfile = none`): use the pid that its start returned";
    for (name, code) in [("stop", 5), ("send", 5), ("restart", 5), ("pid", 7)] {
        verb(name, &[]).exits(code).says(&[why]);
    }
    verb("status", &[]).exits(4).prints(&["unknown: failed to find `lab`: it runs without a pidfile"]);
    for pid in [first, second] {
        look::Process::new(pid).signal(Signal::SIGTERM);
    }
    lab.quiet(EVENT_TIMEOUT).expect("both stop");
    // From inside, it stops like any other daemon.
    verb("start", &["body=stop_itself"]).ok();
    lab.quiet(EVENT_TIMEOUT).expect("it stops itself");
    let failed = verb("start", &["ready=manual", "body=err:no paper"]).exits(4);
    failed.says(&["no paper"]);
}

/// Promise 1.40. The lock is never free between the caller's and the daemon's.
#[test]
fn daemon_takes_over_the_pidfile_that_its_caller_holds() {
    let lab = lab();
    let started = lab.helper(&["start", "held=d.pid", "ready=manual", "body=note:begun,await:go,ready,idle"]).spawn();
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    run(&lab, "start", &[]).exits(3).says(&["already running as pid"]);
    lab.write("go", "");
    let started = started.finish().ok().number("started");
    assert_eq!(lab.daemon(PIDFILE).id(), started);
    run(&lab, "status", &[]).ok().prints(&[&format!("running as pid {started}")]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.40.
#[test]
fn failed_start_removes_the_pidfile_that_its_caller_held() {
    each(["body=err:no paper", "umask=1777", "verb=foreground"], |setting| {
        let lab = lab();
        let (verb, setting) =
            if setting == "verb=foreground" { ("foreground", "umask=1777") } else { ("start", setting) };
        let failed = lab.helper(&[verb, "held=d.pid", "ready=manual", setting]).run();
        assert_ne!(failed.code(), 0, "{failed}");
        nothing_left(&lab);
    });
}

/// Promise 1.40.
#[test]
fn held_pidfile_with_moved_lock_is_refused() {
    let lab = lab();
    let start = lab.helper(&["start", "held=d.pid", "first=note:begun,await:go", "body=idle"]).spawn();
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    std::fs::rename(lab.path(LOCK), lab.path("moved")).expect("a lock file");
    lab.write("go", "");
    start.finish().exits(7).says(&["its lock file was moved or replaced after it was locked"]);
    lab.quiet(EVENT_TIMEOUT).expect("nothing was started");
}

/// Promise 1.40. The pidfile's owner is the caller itself, which a restart must not stop.
#[test]
fn restart_with_a_held_pidfile_stops_nothing() {
    let lab = lab();
    let started = lab.helper(&["restart", "held=d.pid", "body=idle"]).run().ok().number("started");
    assert_eq!(lab.daemon(PIDFILE).id(), started);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.40. Each verb reports at once that it cannot find a daemon whose pidfile is written by a hook.
#[test]
fn verbs_say_why_they_cannot_reach_a_daemon_whose_pidfile_stage_is_replaced() {
    let lab = lab();
    let hook = "replace=PidFile:note:hook";
    let daemon = run(&lab, "start", &[hook, "body=idle"]).ok().number("started");
    let why = "a hook replaces its stage `PidFile`, so the pidfile `";
    for (verb, code) in [("stop", 5), ("restart", 5), ("send", 5), ("pid", 7)] {
        let outcome =
            run(&lab, verb, &[hook]).exits(code).says(&[why, "send a signal to the pid that its start returned"]);
        assert!(outcome.took < EVENT_TIMEOUT, "{verb}: {outcome}");
    }
    run(&lab, "status", &[hook]).exits(4).prints(&[why]);
    run(&lab, "start", &[hook]).exits(7);
    look::Process::new(daemon).signal(Signal::SIGTERM);
    nothing_left(&lab);
    run(&lab, "stop", &[hook]).ok().prints(&["not running"]);
}

/// Promise 1.42.
#[test]
fn output_of_a_start_is_seen_as_it_comes() {
    let lab = lab();
    let body = "body=say:one\n,await:first,complain:two,await:second,ready,idle";
    let start = lab.helper(&["start", "pidfile=d.pid", "ready=manual", body, "on_output=note:seen"]).spawn();
    lab.wait_for("seen", EVENT_TIMEOUT, |notes| notes.lines().count() == 1);
    lab.write("first", "");
    lab.wait_for("seen", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    assert!(start.process().alive(), "the start waits for the second file");
    lab.write("second", "");
    let outcome = start.finish().ok();
    // Passed to the callback, and not printed again.
    assert!(outcome.stdout.starts_with("seen \"one\\n\";seen \"two\";started "), "{outcome}");
    assert!(!outcome.stderr.contains("two"), "{outcome}");
    stop(&lab);
}

/// Promise 1.42.
#[test]
fn start_with_panicking_callback_succeeds() {
    let lab = lab();
    let settings = ["ready=manual", "body=say:one\n,pause:50,say:two\n,ready,idle", "on_output=panic:no ink"];
    let outcome = run(&lab, "start", &settings).ok().says(&["no ink"]);
    assert_eq!(outcome.stdout.matches("seen").count(), 1, "{outcome}");
    stop(&lab);
}

/// Promise 1.42. A signal ends the launcher within the callback, and with it the start.
#[test]
fn callback_that_hangs_is_interrupted_with_the_start() {
    let lab = lab();
    let settings = ["start", "pidfile=d.pid", "ready=manual", "body=say:one\n,idle", "on_output=note:seen,pause:60000"];
    let start = lab.helper(&settings).spawn();
    lab.wait_for("seen", EVENT_TIMEOUT, |notes| !notes.is_empty());
    start.signal(Signal::SIGINT);
    assert_eq!(start.finish().code(), 130);
    nothing_left(&lab);
}
