//! An instance as an attachment of a daemon.

use crate::client::daemon;
use crate::instance_helpers::{EVENT_TIMEOUT, client, lab};

/// `on_start` and `on_stop` of an instance that is attached to a daemon run once, in the daemon.
#[test]
fn attached_instance_runs_its_hooks_once() {
    let lab = lab();
    let daemon = daemon(&lab, &["instance"]);
    assert_eq!(lab.read("log"), "on_start\n");
    client(&lab, "d.pid", &["get", "/"]).ok().prints(&[&format!("\"pid\":{}", daemon.id())]);
    client(&lab, "d.pid", &["stop"]).ok();
    assert_eq!(lab.read("log"), "on_start\non_stop\n");
}

/// Promise 2.27. The endpoint ends with the daemon regardless.
#[test]
fn panic_in_on_stop_fails_the_daemon() {
    let lab = lab();
    let daemon = daemon(&lab, &["instance", "fails"]);
    client(&lab, "d.pid", &["stop"]).ok();
    daemon.died(EVENT_TIMEOUT).expect("it ends");
    assert!(lab.read("err").contains("panicked: no pen"), "{}", lab.read("err"));
    assert!(!lab.path("d.control/socket").exists(), "its endpoint is left");
}
