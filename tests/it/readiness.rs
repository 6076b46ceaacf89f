//! The report of a launcher, its time, and what is left after a failed start.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, each, lab, needs, nothing_left, run, start, stop, times};

/// Promise 1.08. 100 starts, 500 in full.
#[test]
fn launcher_returns_when_the_socket_listens() {
    let lab = lab();
    for round in 0..times(100, 500) {
        let body = format!("body=listen_and_idle:socket-{round}");
        let daemon = start(&lab, &["ready=manual", &body]);
        UnixStream::connect(lab.path(&format!("socket-{round}"))).expect("it listens as soon as the launcher is back");
        daemon.signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("it stops");
    }
}

/// Promise 1.08. R14: the daemon dies after its pidfile was written and before it is ready. L4: the session leader
/// removes the file.
#[test]
fn early_end_is_reported_and_leaves_nothing() {
    let ends = [
        ("exit:7", 2, "exited with status 7"),
        ("exit:0", 2, "exited with status 0"),
        ("kill:KILL", 2, "killed by signal 9"),
        ("kill:SEGV", 2, "killed by signal 11"),
        ("abort", 2, "killed by signal 6"),
        ("panic:the body panics", 4, "the body panics"),
        ("err:the body fails", 4, "the body fails"),
        ("hang", 2, "not ready within"),
        ("kill:STOP", 2, "not ready within"),
    ];
    each(ends, |(act, code, text)| {
        let lab = lab();
        let settings = ["ready=manual", "start_timeout=700", &format!("body={act}")];
        let outcome = run(&lab, "start", &settings).exits(code).says(&[text]);
        assert!(outcome.took < Duration::from_secs(5), "{act}: {outcome}");
        nothing_left(&lab);
        start(&lab, &[]);
    });
}

/// Promise 1.08. A process outside of the session, which holds the daemon's descriptors: the launcher may not kill it.
#[test]
fn process_that_a_failed_start_leaves_is_reported() {
    let lab = lab();
    let outcome = run(&lab, "start", &["ready=manual", "body=fork_into_own_session_and_exit"]).exits(2);
    outcome.says(&["exited with status 7", "a process of this start still runs"]);
    assert!(!lab.path(PIDFILE).exists());
    assert_eq!(lab.processes().len(), 1);
}

/// Promise 1.08.
#[test]
fn body_that_returns_before_readiness_was_never_ready() {
    let lab = lab();
    run(&lab, "start", &["ready=manual", "body=say:gone"]).exits(2).says(&["ready"]);
    nothing_left(&lab);
}

/// Promise 1.08. The signal thread of `ready = auto` is created after the launcher has been notified: its report stays
/// true.
#[test]
fn signal_thread_that_cannot_be_created_is_retried() {
    needs(&["strace"]);
    let lab = lab();
    // The C library creates threads with clone3 and processes with clone.
    let strace = ["-f", "-q", "-o", "trace", "-e", "trace=clone3", "-e", "inject=clone3:error=EAGAIN:when=1..20"];
    let start = lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid"]).spawn();
    // The session leader and the launcher have exited: an earlier stop would be one of a starting daemon.
    let is_over = |trace: &str| trace.lines().filter(|line| line.contains("+++ exited with 0")).count() == 2;
    let trace = lab.wait_for("trace", EVENT_TIMEOUT, is_over);
    assert!(trace.lines().filter(|line| line.contains("clone3(")).count() > 20 && trace.contains("EAGAIN"), "{trace}");
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    start.finish().ok().prints(&["started"]);
    nothing_left(&lab);
}

/// Promise 1.08.
#[test]
fn output_of_a_failed_start_is_shown() {
    let lab = lab();
    let body = "body=complain:no such table,exit:7";
    run(&lab, "start", &["ready=manual", body]).exits(2).says(&["no such table", "exited with status 7"]);
}

/// Promise 1.09.
#[test]
fn grandchild_does_not_block_the_launcher() {
    for (end, text) in [("kill", "killed by signal 9"), ("exit", "exited with status 3"), ("error", "no paper")] {
        let lab = lab();
        let outcome = run(&lab, "start", &["ready=manual", &format!("body=spawn_sleeper_and_end:{end}")]).says(&[text]);
        assert_ne!(outcome.code(), 0, "{outcome}");
        assert!(outcome.took < Duration::from_secs(5), "{outcome}");
        nothing_left(&lab);
    }
}

/// Promise 1.14.
#[test]
fn pidfile_holds_the_final_pid_when_the_launcher_returns() {
    let lab = lab();
    let mut last = None;
    for _ in 0..times(50, 500) {
        run(&lab, "start", &[]).ok();
        // Read at once: a later write would come too late.
        let daemon = lab.daemon(PIDFILE);
        let lines = lab.read(PIDFILE);
        assert_eq!(lines.lines().count(), 2, "{lines:?}");
        assert!(lines.ends_with('\n'), "{lines:?}");
        assert!(daemon.alive() && Some(daemon) != last, "{daemon:?} after {last:?}");
        let start = daemon.stat().expect("alive").start;
        let second = lines.lines().nth(1).unwrap();
        assert_eq!(second.split(' ').next(), Some(format!("start={start}").as_str()), "{lines:?}");
        stop(&lab);
        last = Some(daemon);
    }
}

/// Promise 1.23. The launcher shows the first 64 KiB of each stream, and never waits for a reader that does not read.
#[test]
fn ten_megabytes_before_readiness_do_not_block_the_start() {
    let lab = lab();
    let body = "body=print_ten_mebibytes_and_idle";
    let outcome = run(&lab, "start", &["ready=manual", body]).ok();
    let printed = outcome.stdout.chars().filter(|letter| *letter == '#').count();
    let complained = outcome.stderr.chars().filter(|letter| *letter == '%').count();
    assert_eq!((printed, complained), (65536, 65536));
}

/// Promise 1.23.
#[test]
fn output_before_readiness_reaches_the_log() {
    let lab = lab();
    let body = "body=say:before,complain:careful,ready,say:after,note:said,idle";
    let outcome = run(&lab, "start", &["ready=manual", "stdout=log", "stderr=errors", body]).ok();
    assert!(outcome.stdout.contains("before") && !outcome.stdout.contains("after"), "{outcome}");
    assert!(outcome.stderr.contains("careful"), "{outcome}");
    lab.wait_for("said", EVENT_TIMEOUT, |said| !said.is_empty());
    stop(&lab);
    assert!(lab.read("log").contains("beforeafter"), "the log holds {:?}", lab.read("log"));
    assert!(lab.read("errors").contains("careful"), "the log holds {:?}", lab.read("errors"));
}

/// Promise 1.23.
#[test]
fn child_that_outlives_readiness_does_not_block_the_launcher() {
    let lab = lab();
    let begun = Instant::now();
    let daemon = start(&lab, &["ready=manual", "body=spawn_sleeper_and_idle:spawned"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "the launcher waited for the child");
    assert_eq!(lab.processes().len(), 2, "the daemon and its child");
    daemon.signal(Signal::SIGTERM);
    daemon.died(EVENT_TIMEOUT).expect("it stops");
}

/// Promise 1.25. Ctrl-C, SIGHUP or SIGKILL for the launcher, at every 5 ms of a start that takes about 100 ms.
#[test]
fn start_whose_launcher_dies_is_undone_or_complete() {
    let signals = [Signal::SIGINT, Signal::SIGHUP, Signal::SIGKILL];
    let moments = (0..=200).step_by(5).map(Duration::from_millis);
    each(moments.flat_map(|after| signals.map(|signal| (after, signal))), |(after, signal)| {
        let lab = lab();
        let body = "body=pause:100,ready,note:working,idle";
        let launcher = lab.helper(&["start", "pidfile=d.pid", "ready=manual", body]).spawn();
        std::thread::sleep(after);
        launcher.signal(signal);
        let killed = Instant::now();
        let outcome = launcher.finish();
        let whole = whole_or_nothing(&lab).unwrap_or_else(|| {
            panic!("{signal} after {after:?}: neither undone nor whole: {:?}, {outcome}", lab.processes())
        });
        // Within a second, on an idle machine.
        assert!(killed.elapsed() < EVENT_TIMEOUT / 2, "{signal} after {after:?} took {:?}", killed.elapsed());
        assert!(whole || outcome.code() != 0, "{signal} after {after:?}: success, but no daemon: {outcome}");
        if whole {
            stop(&lab);
        }
        // A launcher killed between creating the file and the first fork leaves an empty one: no process is left to
        // remove it.
        if signal == Signal::SIGKILL && lab.read(PIDFILE).is_empty() {
            lab.quiet(EVENT_TIMEOUT).expect("no process left");
        } else {
            nothing_left(&lab);
        }
        start(&lab, &[]);
    });
}

/// Promise 1.25. Forced into the moments after the pidfile was created: strace holds the launcher in one call.
#[test]
fn interrupt_around_the_first_fork_leaves_no_file() {
    needs(&["strace"]);
    for call in ["socketpair", "clone,clone3"] {
        let lab = lab();
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:delay_enter=400000:when=1"));
        let strace = ["-D", "-qq", "-o", "trace", "-e", "signal=none", "-e", &trace, "-e", &inject];
        let launcher = lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid"]).spawn();
        lab.wait_for(PIDFILE, EVENT_TIMEOUT, |_| true);
        launcher.signal(Signal::SIGINT);
        launcher.finish();
        nothing_left(&lab);
    }
}

/// Waits a second for either result: no process and an empty file, or one adopted daemon at work that is named by its
/// pidfile.
pub(crate) fn whole_or_nothing(lab: &Lab) -> Option<bool> {
    let deadline = Deadline::after(Duration::from_secs(1));
    let this = i32::try_from(std::process::id()).ok()?;
    let orphaned = |process: Process| process.stat().is_some_and(|stat| stat.parent == this);
    let answer = look::until_with_deaths(&lab.path(PIDFILE), deadline, || match lab.processes()[..] {
        [] if lab.read(PIDFILE).is_empty() => Ok(false),
        [one] if orphaned(one) && lab.path("working").exists() && lab.daemon(PIDFILE) == one => Ok(true),
        ref others => Err(others.iter().map(|process| process.id()).collect()),
    });
    answer.ok()
}
