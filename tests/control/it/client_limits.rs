//! Clients of a hostile daemon that sends more than a client can store.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::instance_helpers::{EVENT_TIMEOUT, lab};

/// Memory limit of a client in KiB: less than each of these daemons sends within the timeout of a call.
const MEMORY: u32 = 120_000;

/// The kind of endless response, the client's call, and the error that the client reports.
const FLOODS: [(&str, &str, [&str; 2]); 13] = [
    ("line", "events", ["Reply", "`/events`: an event is larger than 1 MiB, the limit of an event"]),
    ("event", "events", ["Reply", "`/events`: an event is larger than 1 MiB, the limit of an event"]),
    ("empty", "events", ["Reply", "`/events`: an event is larger than 1 MiB, the limit of an event"]),
    ("chunk", "events", ["Reply", "`/events`: an event is larger than 1 MiB, the limit of an event"]),
    ("chunks", "events", ["Reply", "`/events`: an event is larger than 1 MiB, the limit of an event"]),
    ("head", "events", ["Reply", "`/events`: its head is over a limit: 16 KiB, "]),
    ("refusal", "events", ["Refused(404)", "the endpoint responded with 404"]),
    ("line", "get", ["Reply", "`/x`: it is larger than 16 MiB, the limit of a reply"]),
    ("chunk", "get", ["Reply", "`/x`: it is larger than 16 MiB, the limit of a reply"]),
    ("refusal", "get", ["Reply", "`/x`: it is larger than 16 MiB, the limit of a reply"]),
    ("size", "get", ["Reply", "`/x`: the extensions of its chunks are larger than 16 KiB, the limit of a reply"]),
    ("head", "get", ["Reply", "`/x`: its head is over a limit: 16 KiB, "]),
    ("values", "get", ["Reply", "`/x`: it has more JSON values than 4194304, the limit of a reply"]),
];

/// Promise 5.19.
#[test]
fn client_of_a_daemon_that_says_too_much_reports_the_limit() {
    for (kind, call, error) in FLOODS {
        flood(kind, call, &error);
    }
}

/// A reply in pieces of one byte reaches the deadline before a limit.
#[test]
fn client_of_a_daemon_that_never_pauses_keeps_its_deadline() {
    for kind in ["bytes", "informational"] {
        for took in flood(kind, "get", &["Timeout", "`/x`: no response within 2s"]) {
            assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4), "{kind}: {took:?}");
        }
    }
}

/// Asserts that both clients report this error, and returns the duration.
#[track_caller]
fn flood(kind: &str, call: &str, error: &[&str]) -> [Duration; 2] {
    let lab = lab();
    let daemon = lab.helper(&["flood", "f.pid", kind]).spawn();
    lab.wait_for("f.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
    let clients = match call {
        "events" => ["events f.pid blocking 1", "events f.pid async 1"],
        _ => ["client f.pid get /x", "client f.pid async get /x"],
    };
    let clients = clients.map(|client| {
        lab.shell(&format!("ulimit -v {MEMORY}; exec $ONLY {client}")).env("ONLY", lab.program()).spawn()
    });
    let took = clients.map(|client| client.finish().exits(5).says(error).took);
    daemon.signal(Signal::SIGKILL);
    daemon.finish();
    took
}
