//! The verb `stop`: it continues a suspended daemon, kills one that does not react, and never shortens a cleanup.

use std::time::Duration;

use look::{Lab, Process, Run};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, ended, lab, needs, nothing_left, run, start, stop};
use crate::faults::held_system_call::{At, Hold, look_until};

/// Longer than the time in which signals sent by hand count as one.
const PAST_THE_BURST: Duration = Duration::from_millis(700);

/// A `stop` that gives up after 700 ms without killing.
const PATIENT: [&str; 3] = ["grace=200", "stop_timeout=700", "kill=false"];

/// Promise 1.21.
#[test]
fn stop_of_suspended_daemon_runs_its_cleanup() {
    for verb in ["stop", "restart"] {
        let lab = lab();
        let daemon = start(&lab, &["ready=manual", "guard=left", "body=ask,ready,idle"]);
        suspend(daemon);
        run(&lab, verb, &["body=idle"]).ok();
        assert!(!daemon.alive() && lab.read("left").contains("dropped"), "{verb}: its cleanup did not run");
        stop(&lab).prints(&[if verb == "stop" { "not running" } else { "stopped" }]);
        nothing_left(&lab);
    }
}

/// Promise 1.21.
#[test]
fn stop_of_daemon_that_does_not_react_kills_it_within_the_timeout() {
    let lab = lab();
    let daemon = start(&lab, &["grace=60000", "stop_timeout=65000", "body=ask,hang"]);
    let stopping = ["grace=200", "stop_timeout=700"];
    let outcome = run(&lab, "stop", &stopping).ok().prints(&["killed", &daemon.id().to_string()]);
    let in_time = (Duration::from_millis(700)..Duration::from_secs(5)).contains(&outcome.took);
    assert!(in_time, "{outcome}");
    nothing_left(&lab);
}

/// Promise 1.21.
#[test]
fn stop_that_must_not_kill_reports_that_the_daemon_still_runs() {
    let lab = lab();
    let daemon = start(&lab, &["grace=60000", "stop_timeout=65000", "body=ask,hang"]);
    run(&lab, "stop", &PATIENT).exits(5).says(&[&daemon.id().to_string()]);
    assert!(daemon.alive());
    run(&lab, "stop", &["grace=100", "stop_timeout=200"]).ok();
    nothing_left(&lab);
}

/// Promise 1.27.
#[test]
fn stop_sent_again_does_not_cut_the_cleanup_short() {
    let lab = lab();
    let daemon = adopt(start(&lab, &CLEANS_UP));
    for _ in 0..3 {
        // Each gives up after the time in which signals count as one.
        run(&lab, "stop", &PATIENT).exits(5).says(&["still runs"]);
        assert!(daemon.alive(), "the cleanup was cut short");
    }
    lab.write("go", "");
    ended(daemon, 0);
    assert!(lab.path("finished").exists(), "{}", lab.read("log"));
    nothing_left(&lab);
}

/// Promise 1.27. A signal sent by hand counts as the first, whatever the verbs and the daemon itself have requested
/// before.
#[test]
fn only_the_second_manual_signal_shortens_the_grace() {
    for asked_by in ["verb", "itself"] {
        let lab = lab();
        let daemon = start(&lab, &[&CLEANS_UP[..], &["handle=USR1:stop"]].concat());
        if asked_by == "verb" {
            run(&lab, "stop", &PATIENT).exits(5);
        } else {
            daemon.signal(Signal::SIGUSR1);
            lab.wait_for("cleaning", EVENT_TIMEOUT, |notes| !notes.is_empty());
            daemon.died(PAST_THE_BURST).expect_err("it cleans up");
        }
        daemon.signal(Signal::SIGTERM);
        daemon.died(PAST_THE_BURST).expect_err("the first signal by hand has ended it");
        daemon.signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("the second signal by hand ends it");
        assert!(lab.read("log").contains("received a second stop signal"), "{}", lab.read("log"));
        nothing_left(&lab);
    }
}

/// Promise 1.27. The signal comes first.
#[test]
fn stop_after_a_signal_by_hand_does_not_cut_the_cleanup_short() {
    let lab = lab();
    let daemon = adopt(start(&lab, &CLEANS_UP));
    daemon.signal(Signal::SIGTERM);
    daemon.died(PAST_THE_BURST).expect_err("it cleans up");
    run(&lab, "stop", &PATIENT).exits(5);
    lab.write("go", "");
    ended(daemon, 0);
    nothing_left(&lab);
}

/// Promise 1.15. The signal that the daemon sends itself reaches it, whatever the calling thread blocks.
#[test]
fn stop_from_inside_a_thread_that_blocks_the_signal_ends_the_daemon() {
    let lab = lab();
    let daemon = adopt(start(&lab, &["body=stop_itself_with_the_signal_blocked"]));
    lab.write("go", "");
    ended(daemon, 0);
    nothing_left(&lab);
}

/// Promise 1.08. A seccomp filter of a container may not know `ppoll`, or deny it.
#[test]
fn start_without_ppoll_works() {
    for error in ["ENOSYS", "EPERM"] {
        let lab = lab();
        let started = failing(&lab, "ppoll", error).arg("body=ask,note:working,idle").spawn();
        lab.wait_for("working", EVENT_TIMEOUT, |notes| !notes.is_empty());
        stop(&lab);
        started.finish().ok().prints(&["started"]);
        assert!(lab.read("trace").contains("INJECTED"), "{error}");
        nothing_left(&lab);
    }
}

/// Promise 1.08.
#[test]
fn start_that_cannot_wait_reports_it_at_once() {
    let lab = lab();
    let started = failing(&lab, "ppoll,poll", "EINVAL").run().exits(2);
    assert!(started.stderr.ends_with("failed to wait for the daemon: invalid argument\n"), "{started}");
    assert!(started.took < EVENT_TIMEOUT, "{started}");
    nothing_left(&lab);
}

/// Promise 2.05.
#[test]
fn send_to_daemon_that_died_meanwhile_reports_that_it_does_not_run() {
    let lab = lab();
    let daemon = adopt(start(&lab, &[]));
    // The first call is made by the runtime, which checks the standard streams.
    let (send, held) = Hold::on(&lab, &["send", "pidfile=d.pid", "signal=HUP"], At("poll", 2));
    daemon.signal(Signal::SIGKILL);
    // The daemon stays a zombie: this process is its parent now, and has not reaped it.
    // Its first thread may be dead before the others.
    let is_dead = || daemon.status("Threads").is_some_and(|count| matches!(&*count, "0" | "1"));
    look_until("it is no zombie", || daemon.stat().is_some_and(|stat| stat.state == 'Z') && is_dead());
    held.release();
    send.finish().exits(5).says(&["dead"]);
    daemon.died(EVENT_TIMEOUT).expect("a zombie");
    stop(&lab);
    assert!(!lab.path(PIDFILE).exists());
}

/// A body that cleans up at the stop, until `go` exists.
const CLEANS_UP: [&str; 4] =
    ["grace=60000", "stop_timeout=65000", "stderr=log", "body=idle,note:cleaning,await:go,note:finished"];

fn suspend(daemon: Process) {
    daemon.signal(Signal::SIGSTOP);
    look_until("it does not stop", || daemon.stat().is_some_and(|stat| stat.state == 'T'));
}

/// Prepares a start in whose processes these calls fail with this error.
fn failing<'lab>(lab: &'lab Lab, calls: &str, error: &str) -> Run<'lab> {
    needs(&["strace"]);
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:error={error}"));
    let strace = ["-f", "-qq", "-o", "trace", "-e", "signal=none", "-e", &trace, "-e", &inject];
    lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid"])
}
