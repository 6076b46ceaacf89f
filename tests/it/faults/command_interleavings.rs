//! R15: verbs that meet. One is kept at one system call while another does all of its work; whoever comes second finds
//! what is there then. Each returns once, nobody is started twice, and nothing is left.

use nix::sys::signal::Signal;

use crate::common::{PIDFILE, SOON, adopt, each, lab, nothing_left, run, start, stop, times};
use crate::faults::held_system_call::{At, Hold};

const SIGNAL: At = At("pidfd_send_signal", 1);

/// R15: a stop is about to signal a daemon that another stop ends.
#[test]
fn p2_05_a_stop_that_comes_second_is_right_as_well() {
    let lab = lab();
    start(&lab, &[]);
    let (first, held) = Hold::on(&lab, &["stop", "pidfile=d.pid"], SIGNAL);
    stop(&lab);
    held.release();
    first.finish().ok();
    nothing_left(&lab);
}

/// R15: a stop is about to signal a daemon that a restart replaces: what it leaves behind is nothing, all the same.
#[test]
fn p2_05_a_stop_that_is_overtaken_by_a_restart_stops_what_it_finds() {
    let lab = lab();
    let elder = start(&lab, &["body=note:ran,idle"]);
    let (slow, held) = Hold::on(&lab, &["stop", "pidfile=d.pid"], SIGNAL);
    run(&lab, "restart", &["body=note:ran,idle"]).ok();
    let younger = lab.daemon(PIDFILE);
    assert!(!elder.alive() && younger.alive());
    lab.wait_for("ran", SOON, |notes| notes.lines().count() == 2);
    held.release();
    slow.finish().ok().prints(&[&younger.id().to_string()]);
    nothing_left(&lab);
    assert_eq!(lab.read("ran").lines().count(), 2);
}

/// R15: a restart is about to signal a daemon that a stop ends: it starts one.
#[test]
fn p1_18_a_restart_that_is_overtaken_by_a_stop_starts_one_daemon() {
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

/// R15: a restart has stopped the elder and holds the lock when a stop comes: that one waits for the younger to be there.
#[test]
fn p1_18_a_stop_between_the_two_halves_of_a_restart_ends_it() {
    let lab = lab();
    start(&lab, &[]);
    let (restart, held) = Hold::on(&lab, &["restart", "pidfile=d.pid"], At("socketpair", 1));
    run(&lab, "stop", &["grace=100", "stop_timeout=300"]).exits(7).says(&["another start or stop"]);
    let stop_it = lab.helper(&["stop", "pidfile=d.pid"]).spawn();
    held.release();
    let outcome = restart.finish();
    stop_it.finish().ok();
    // It has started a daemon, or was stopped while it did.
    assert!([0, 2].contains(&outcome.code()), "{outcome}");
    assert!(outcome.code() == 0 || outcome.stderr.contains("stopped while starting"), "{outcome}");
    nothing_left(&lab);
}

/// R15: restarts that meet make one daemon, and those that lose say that it runs, or that another one is on its way.
#[test]
fn p1_18_two_restarts_at_once_make_one_daemon() {
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

/// R15: a hang-up that is about to be sent when a stop ends the daemon reaches nobody, and says so.
#[test]
fn p2_05_a_signal_that_comes_after_a_stop_reaches_nobody() {
    let lab = lab();
    let daemon = start(&lab, &["handle=HUP:note:handled"]);
    let (send, held) = Hold::on(&lab, &["send", "pidfile=d.pid", "signal=HUP"], SIGNAL);
    stop(&lab);
    // A zombie takes any signal.
    daemon.died(SOON).expect("stopped, and reaped by us");
    held.release();
    send.finish().exits(5).says(&["not running"]);
    nothing_left(&lab);
    assert!(!lab.path("handled").exists());
}

/// R15: a hang-up and a stop at once: the handler runs once or not at all, and the daemon ends once.
#[test]
fn p1_15_a_hangup_and_a_stop_at_once_are_both_right() {
    let lab = lab();
    for round in 0..times(10, 100) {
        let (handled, left) = (format!("handled-{round}"), format!("left-{round}"));
        // One that has asked, and so is let go of what it has, however soon it is told to stop.
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
