//! Stops that overlap with a restart of the daemon by itself.

use crate::common::{EVENT_TIMEOUT, lab, nothing_left, run, start, stop};
use crate::faults::held_system_call::{At, Hold, look_until};
use crate::self_restart::{RESTARTS, STAYS, restarting};
use look::Process;
use nix::sys::signal::Signal;
use std::fs;

/// Promise 1.29. A stop from outside, one from inside, and a signal, while the new program waits.
#[test]
fn stop_during_a_restart_stops_the_new_program_too() {
    for way in ["verb", "inside", "signal", "restart"] {
        let lab = lab();
        let daemon = start(&lab, &STAYS);
        restarting(&lab, daemon);
        let verb = match way {
            "inside" => {
                daemon.signal(Signal::SIGUSR2);
                None
            }
            "signal" => {
                daemon.signal(Signal::SIGTERM);
                None
            }
            verb => Some(lab.helper(&[if verb == "verb" { "stop" } else { verb }, "pidfile=d.pid"]).spawn()),
        };
        let is_other =
            |process: &Process| *process == daemon || verb.as_ref().is_some_and(|verb| verb.process() == *process);
        look_until(&format!("{way}: the new program lives"), || lab.processes().iter().all(is_other));
        lab.write("go", "");
        daemon.died(EVENT_TIMEOUT).expect("it ends");
        if let Some(verb) = verb {
            verb.finish().ok();
        }
        if way == "restart" {
            // The stop has stopped both; this one stops a third daemon.
            stop(&lab);
        }
        nothing_left(&lab);
        assert_eq!(lab.read("bodies").lines().count(), 1, "{way}: {}", lab.read("log"));
    }
}

/// Promise 1.29. The stop comes first.
#[test]
fn restart_overtaken_by_a_stop_starts_nothing() {
    let lab = lab();
    lab.write("prepared", "");
    let daemon = start(&lab, &[&RESTARTS[..], &["first=note:begun,await:prepared"]].concat());
    fs::remove_file(lab.path("prepared")).unwrap();
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| notes.lines().count() == 2);
    run(&lab, "stop", &[]).ok();
    lab.write("prepared", "");
    nothing_left(&lab);
    assert_eq!(lab.read("bodies").lines().count(), 1);
    assert!(lab.read("log").contains("failed to restart: it is to stop"), "{}", lab.read("log"));
}

/// Promise 1.29. The old daemon has exited, and the new one has not read the pidfile yet.
#[test]
fn stop_between_the_old_daemon_and_the_new_one_waits_for_the_new_one() {
    let lab = lab();
    let daemon = start(&lab, &RESTARTS);
    daemon.signal(Signal::SIGSTOP);
    let tracing = Hold::family(&lab, daemon, At("flock", 1));
    daemon.signal(Signal::SIGUSR1);
    let held = tracing.reached();
    daemon.died(EVENT_TIMEOUT).expect("it has handed over");
    let stopping = lab.helper(&["stop", "pidfile=d.pid"]).spawn();
    // Without a daemon to stop, the stop would have returned by now.
    stopping.process().died(std::time::Duration::from_millis(300)).expect_err("it has not waited");
    held.release();
    stopping.finish().ok();
    nothing_left(&lab);
}
