//! Many clients at once, against starts that fail, are killed or come too late, and against a daemon that exits.

use std::fs;
use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, lab};

/// Runs this many clients at once.
fn clients(lab: &Lab, count: usize, keys: &[&str]) -> Vec<Outcome> {
    let running: Vec<_> = (0..count).map(|_| lab.helper(&["client", "once"]).args(keys).spawn()).collect();
    running.into_iter().map(look::Running::finish).collect()
}

/// Returns the number of bodies that began.
fn starts(lab: &Lab) -> usize {
    lab.read("starts").lines().count()
}

/// Waits until this many clients wait in the backlog of the daemon that starts.
fn wait_for_clients(lab: &Lab, count: usize) {
    let path = lab.path("agent.agent/socket").display().to_string();
    let deadline = Deadline::after(EVENT_TIMEOUT);
    // One line is the listener's.
    while fs::read_to_string("/proc/net/unix").expect("proc").matches(&path).count() <= count {
        assert!(!deadline.passed(), "fewer than {count} clients wait");
        thread::sleep(Duration::from_millis(5));
    }
}

/// D4: Promise 12.02.
#[test]
fn clients_at_once_start_one_daemon_and_all_are_served() {
    let lab = lab();
    let outcomes = clients(&lab, 64, &[]);
    let pid = lab.daemon("agent.pid").id();
    for outcome in outcomes {
        assert_eq!(outcome.ok().number("served"), pid);
    }
    assert_eq!(starts(&lab), 1);
}

/// Promise 12.02.
#[test]
fn threads_at_once_start_one_daemon_and_all_are_served() {
    let lab = lab();
    let outcome = lab.helper(&["client", "threads", "clients=64", "times=4"]).run().ok();
    assert_eq!(outcome.stdout.lines().count(), 256);
    assert_eq!(outcome.stdout.lines().filter(|line| line.ends_with("started")).count(), 1);
    assert_eq!(starts(&lab), 1);
}

/// D2: Promise 12.02.
#[test]
fn clients_that_wait_share_the_failure_of_one_start_with_its_cause() {
    let lab = lab();
    let first = lab.helper(&["client", "once", "body=fails"]).spawn();
    lab.wait_for("starts", EVENT_TIMEOUT, |text| !text.is_empty());
    let others: Vec<_> = (0..8).map(|_| lab.helper(&["client", "once", "body=fails"]).spawn()).collect();
    wait_for_clients(&lab, 8);
    lab.write("fail", "");
    for other in others {
        other.finish().says(&["the start by another client has failed", "no cache directory"]);
    }
    first.finish().exits(4).says(&["no cache directory"]);
    assert_eq!(starts(&lab), 1);
    lab.quiet(EVENT_TIMEOUT).expect("nothing is left");
}

#[test]
fn threads_share_the_failure_of_one_start() {
    let lab = lab();
    let running = lab.helper(&["client", "threads", "clients=16", "body=fails"]).spawn();
    lab.wait_for("clients", EVENT_TIMEOUT, |text| text.lines().count() == 16);
    lab.write("fail", "");
    running.finish().exits(4).says(&["no cache directory"]);
    assert_eq!(starts(&lab), 1);
}

/// Promises 12.03, 12.06.
#[test]
fn killed_starter_is_followed_by_a_client_that_waits() {
    let lab = lab();
    let starter = lab.helper(&["client", "once", "body=slow"]).spawn();
    lab.wait_for("starts", EVENT_TIMEOUT, |text| !text.is_empty());
    let waiting: Vec<_> = (0..4).map(|_| lab.helper(&["client", "once", "body=slow"]).spawn()).collect();
    starter.signal(Signal::SIGKILL);
    starter.finish().exits(137);
    let served: Vec<i32> = waiting.into_iter().map(|client| client.finish().ok().number("served")).collect();
    let daemon = lab.daemon("agent.pid");
    assert!(served.iter().all(|pid| *pid == daemon.id()), "{served:?}");
    assert_eq!(starts(&lab), 2);
}

#[test]
fn client_with_a_longer_deadline_starts_the_daemon_again() {
    let lab = lab();
    let hasty = lab.helper(&["client", "once", "body=slow", "timeout=150"]).spawn();
    lab.wait_for("starts", EVENT_TIMEOUT, |text| !text.is_empty());
    let patient = lab.helper(&["client", "once", "body=slow"]).spawn();
    hasty.finish().exits(2).says(&["NotReady"]);
    patient.finish().ok();
    assert_eq!(starts(&lab), 2);
}

/// D10: the lock of the pidfile alone decides.
#[test]
fn foreign_lock_of_the_directory_keeps_no_client_from_a_start() {
    let lab = lab();
    lab.run(&["client", "once", "idle=1"]).ok();
    lab.quiet(EVENT_TIMEOUT).expect("it is idle");
    let locked = lab.command("flock", &["-F", "agent.agent", "sh", "-c", "touch locked; exec sleep 100"]).spawn();
    lab.wait_for("locked", EVENT_TIMEOUT, |_| true);
    lab.run(&["client", "once"]).ok().prints(&["started"]);
    locked.signal(Signal::SIGKILL);
    locked.finish();
}

/// D3: Promise 12.03.
#[test]
fn killed_daemon_costs_no_client_its_connection() {
    let lab = lab();
    for _ in 0..4 {
        lab.run(&["client", "once", "body=slow"]).ok();
        let daemon = lab.daemon("agent.pid");
        let waiting: Vec<_> = (0..4).map(|_| lab.helper(&["client", "once", "body=slow"]).spawn()).collect();
        daemon.signal(Signal::SIGKILL);
        // A client that was connected already loses its stream, which its own protocol must expect; none fails to connect.
        for client in waiting {
            let outcome = client.finish();
            assert!(outcome.code() == 0 || outcome.stderr.contains("the daemon has closed"), "{outcome}");
        }
    }
}

/// D7: Promises 12.03, 12.13. In `scripts/nightly` with 10,000 connects.
#[test]
fn clients_of_a_daemon_that_exits_after_a_millisecond_are_all_served() {
    let lab = lab();
    let times = if std::env::var_os("DAEMON_TESTS_FULL").is_some_and(|value| value == "1") { 2500 } else { 125 };
    let count = format!("times={times}");
    let keys = ["client", "once", &count, "idle=1", "pause=2400"];
    let running: Vec<_> = (0..4).map(|_| lab.helper(&keys).within(Duration::from_secs(600)).spawn()).collect();
    for client in running {
        assert_eq!(client.finish().ok().stdout.lines().count(), times);
    }
    assert!(starts(&lab) > 1, "the daemon never was idle");
    lab.quiet(EVENT_TIMEOUT).expect("it is idle");
}

/// D9: Promise 12.03.
#[test]
fn clients_that_come_while_a_daemon_stops_are_served_by_it_or_the_next_one() {
    let lab = lab();
    for _ in 0..4 {
        lab.run(&["client", "once", "body=lingers"]).ok();
        let daemon = lab.daemon("agent.pid");
        daemon.signal(Signal::SIGTERM);
        for outcome in clients(&lab, 4, &["body=lingers"]) {
            outcome.ok();
        }
        daemon.died(EVENT_TIMEOUT).expect("it stops");
    }
}
