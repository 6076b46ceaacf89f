//! R15: commands that overlap. One is held at one system call while another runs to its end. Each returns once, no
//! daemon is started twice, and nothing is left.

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, lab, nothing_left, run, start, stop, times};
use crate::faults::held_system_call::{At, Hold};

const SIGNAL: At = At("pidfd_send_signal", 1);

/// Promise 2.05. R15: a stop is about to signal a daemon that another stop ends.
#[test]
fn second_stop_succeeds() {
    let lab = lab();
    start(&lab, &[]);
    let (first, held) = Hold::on(&lab, &["stop", "pidfile=d.pid"], SIGNAL);
    stop(&lab);
    held.release();
    first.finish().ok();
    nothing_left(&lab);
}

/// Promise 2.05. R15: a stop is about to signal a daemon that a restart replaces: nothing is left.
#[test]
fn stop_overtaken_by_a_restart_stops_the_new_daemon() {
    let lab = lab();
    let elder = start(&lab, &["body=note:ran,idle"]);
    let (slow, held) = Hold::on(&lab, &["stop", "pidfile=d.pid"], SIGNAL);
    run(&lab, "restart", &["body=note:ran,idle"]).ok();
    let younger = lab.daemon(PIDFILE);
    assert!(!elder.alive() && younger.alive());
    lab.wait_for("ran", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    held.release();
    slow.finish().ok().prints(&[&younger.id().to_string()]);
    nothing_left(&lab);
    assert_eq!(lab.read("ran").lines().count(), 2);
}

/// Promise 1.18. R15: a restart is about to signal a daemon that a stop ends: it starts one.
#[test]
fn restart_overtaken_by_a_stop_starts_one_daemon() {
    let lab = lab();
    start(&lab, &["body=note:ran,idle"]);
    let (restart, held) = Hold::on(&lab, &["restart", "pidfile=d.pid", "body=note:ran,idle"], SIGNAL);
    stop(&lab);
    assert!(!lab.path(PIDFILE).exists());
    held.release();
    restart.finish().ok();
    assert_eq!(lab.processes(), [lab.daemon(PIDFILE)]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.18. R15: a restart has stopped the old daemon and holds the lock when a stop comes: the stop waits for the
/// new daemon.
#[test]
fn stop_during_a_restart_stops_the_new_daemon() {
    let lab = lab();
    start(&lab, &[]);
    let (restart, held) = Hold::on(&lab, &["restart", "pidfile=d.pid"], At("socketpair", 1));
    run(&lab, "stop", &["grace=100", "stop_timeout=300"]).exits(7).says(&["another start or stop"]);
    let stop_it = lab.helper(&["stop", "pidfile=d.pid"]).spawn();
    held.release();
    let outcome = restart.finish();
    stop_it.finish().ok();
    // The restart has started a daemon, or was stopped while it did.
    assert!([0, 2].contains(&outcome.code()), "{outcome}");
    assert!(outcome.code() == 0 || outcome.stderr.contains("stopped while starting"), "{outcome}");
    nothing_left(&lab);
}

/// Promise 1.18. R15: overlapping restarts leave one daemon; the losers report that it runs, or that another start is
/// in progress.
#[test]
fn concurrent_restarts_leave_one_daemon() {
    let lab = lab();
    for _ in 0..times(5, 50) {
        start(&lab, &["body=note:ran,idle"]);
        each(0..2, |_| {
            let outcome = run(&lab, "restart", &["body=note:ran,idle"]);
            let early = outcome.code() == 2 && outcome.stderr.contains("stopped while starting");
            assert!([0, 3, 7].contains(&outcome.code()) || early, "{outcome}");
        });
        let daemon = adopt(lab.daemon(PIDFILE));
        assert_eq!(lab.processes(), [daemon]);
        stop(&lab);
        nothing_left(&lab);
    }
}

/// Promise 2.05. R15: a SIGHUP that is about to be sent when a stop ends the daemon reaches no process, and `send`
/// reports that.
#[test]
fn send_after_a_stop_reaches_no_process() {
    let lab = lab();
    let daemon = start(&lab, &["handle=HUP:note:handled"]);
    let (send, held) = Hold::on(&lab, &["send", "pidfile=d.pid", "signal=HUP"], SIGNAL);
    stop(&lab);
    // A zombie accepts any signal.
    daemon.died(EVENT_TIMEOUT).expect("stopped, and reaped by us");
    held.release();
    send.finish().exits(5).says(&["not running"]);
    nothing_left(&lab);
    assert!(!lab.path("handled").exists());
}

/// Promise 1.15. R15: a SIGHUP and a stop at once: the handler runs once or not at all, and the daemon ends once.
#[test]
fn concurrent_sighup_and_stop_are_both_handled() {
    let lab = lab();
    for round in 0..times(10, 100) {
        let (handled, left) = (format!("handled-{round}"), format!("left-{round}"));
        // A body that has asked about the stop is dropped, however early the stop comes.
        let guard = format!("guard={left}");
        start(&lab, &["ready=manual", &format!("handle=HUP:note:{handled}"), &guard, "body=ask,ready,idle"]);
        each([Some(Signal::SIGHUP), None], |signal| match signal {
            Some(_) => {
                let sent = run(&lab, "send", &["signal=HUP"]);
                assert!([0, 5].contains(&sent.code()), "{sent}");
            }
            None => drop(stop(&lab)),
        });
        nothing_left(&lab);
        assert!(lab.read(&handled).lines().count() <= 1);
        assert_eq!(lab.read(&left).lines().count(), 1);
    }
}
