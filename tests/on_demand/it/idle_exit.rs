//! The exit of a daemon that nothing needs, and what keeps it.

use std::time::{Duration, Instant};

use look::Lab;
use look::Process;
use nix::sys::signal::Signal;
use nix::unistd::getuid;

use crate::plain_client::{ANSWER_TIMEOUT, NEVER_IDLE, PlainClient, new_lab, start};

/// Shorter than any idle time of these tests is long.
const IDLE: &str = "300";

/// Asserts that the daemon lives for twice its idle time.
fn assert_stays(daemon: Process, why: &str) {
    assert!(daemon.died(Duration::from_millis(600)).is_err(), "it exited despite {why}");
}

fn assert_exits(lab: &Lab, daemon: Process) {
    daemon.died(ANSWER_TIMEOUT).expect("an idle daemon exits");
    for name in ["agent.agent/socket", "agent.agent/control", "agent.agent/leaving", "agent.pid"] {
        assert!(!lab.path(name).exists(), "{name}");
    }
}

#[test]
fn daemon_without_a_client_exits_after_the_longer_of_its_times() {
    for (idle, first_client) in [("700", "connect_timeout=1"), ("1", "connect_timeout=700")] {
        let lab = new_lab();
        let daemon = start(&lab, "echo", idle, &[first_client]);
        let begun = Instant::now();
        assert_exits(&lab, daemon);
        assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
    }
}

/// Promise 12.14.
/// D8: see `docs/rules.md`.
#[test]
fn daemon_with_a_short_idle_time_waits_for_its_first_client() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", "1", &[]);
    assert_stays(daemon, "its first client has yet to come");
    assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), format!("{} hello", getuid()));
    assert_exits(&lab, daemon);
}

#[test]
fn open_client_that_is_silent_keeps_the_daemon() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", IDLE, &[]);
    let client = PlainClient::connect(&lab);
    assert_stays(daemon, "an open client");
    drop(client);
    assert_exits(&lab, daemon);
}

#[test]
fn queued_client_keeps_the_daemon_until_it_is_served() {
    let lab = new_lab();
    let daemon = start(&lab, "held", IDLE, &[]);
    let mut clients = [PlainClient::connect(&lab), PlainClient::connect(&lab)];
    for client in &mut clients {
        assert!(client.line().contains("state=ready"));
    }
    assert_stays(daemon, "a queued client");
    lab.write("go", "");
    let [first, mut second] = clients;
    drop(first);
    assert_eq!(second.ask("hello"), format!("{} hello", getuid()));
    drop(second);
    assert_exits(&lab, daemon);
}

#[test]
fn busy_guard_keeps_the_daemon_after_its_client_has_left() {
    let lab = new_lab();
    let daemon = start(&lab, "busy", IDLE, &[]);
    assert_eq!(PlainClient::connect(&lab).greeted_answer("work"), format!("{} work", getuid()));
    assert_stays(daemon, "a busy guard");
    lab.write("done", "");
    assert_exits(&lab, daemon);
}

#[test]
fn pings_and_status_do_not_keep_the_daemon() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", "700", &["connect_timeout=1"]);
    let mut control = PlainClient::connect_to(&lab, "agent.agent/control").expect("a control socket");
    while daemon.alive() {
        control.send("ping");
        control.send("status");
        if control.try_line().map_or(true, |line| line.is_empty()) {
            break;
        }
    }
    assert_exits(&lab, daemon);
}

#[test]
fn clients_of_a_body_that_never_asks_do_not_keep_the_daemon_once_they_have_left() {
    let lab = new_lab();
    let daemon = start(&lab, "never", IDLE, &[]);
    let mut client = PlainClient::connect(&lab);
    assert!(client.line().contains("state=ready"));
    assert_stays(daemon, "a client that waits");
    drop(client);
    assert_exits(&lab, daemon);
}

#[test]
fn event_of_the_endpoint_keeps_the_daemon() {
    let lab = new_lab();
    let daemon = start(&lab, "never", IDLE, &["endpoint", "connect_timeout=1"]);
    let ask = |path: &str, arguments: &[&str]| {
        let url = format!("http://localhost{path}");
        let socket = lab.path("agent.control/socket").display().to_string();
        lab.command("curl", &[&["-s", "--unix-socket", &socket, &url], arguments].concat()).run()
    };
    let handler = std::thread::scope(|scope| {
        let slow = scope.spawn(|| ask("/event", &["--json", r#"{"name": "slow"}"#]));
        assert_stays(daemon, "an event");
        slow.join().expect("no panic")
    });
    assert!(handler.stdout.contains("true"), "{}", handler.stdout);
    while daemon.alive() && ask("/status", &[]).stdout.contains("success") {}
    assert_exits(&lab, daemon);
}

/// D7: see `docs/rules.md`.
#[test]
fn client_that_connects_at_the_end_of_the_idle_time_is_served() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", IDLE, &[]);
    assert_eq!(PlainClient::connect(&lab).greeted_answer("first"), format!("{} first", getuid()));
    daemon.signal(Signal::SIGSTOP);
    // The timer expires while the client waits in the backlog.
    let mut client = PlainClient::connect(&lab);
    std::thread::sleep(Duration::from_millis(400));
    daemon.signal(Signal::SIGCONT);
    assert_eq!(client.greeted_answer("hello"), format!("{} hello", getuid()));
    drop(client);
    assert_exits(&lab, daemon);
}

/// D1: see `docs/rules.md`.
#[test]
fn stale_sockets_of_a_killed_daemon_are_replaced() {
    let lab = new_lab();
    let first = start(&lab, "echo", NEVER_IDLE, &[]);
    first.signal(Signal::SIGKILL);
    first.died(ANSWER_TIMEOUT).expect("SIGKILL");
    assert!(lab.path("agent.agent/socket").exists());
    let second = start(&lab, "echo", NEVER_IDLE, &[]);
    assert_ne!(first, second);
    assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), format!("{} hello", getuid()));
}

#[test]
fn retired_daemon_exits_when_its_last_client_leaves() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", NEVER_IDLE, &[]);
    let mut client = PlainClient::connect(&lab);
    client.greeted_answer("hello");
    let mut control = PlainClient::connect_to(&lab, "agent.agent/control").expect("a control socket");
    let retire = |when: &str| format!("retire pid={} when={when}", daemon.id());
    assert_eq!(control.ask(&retire("if_idle")), "busy clients=1 guards=0");
    assert_eq!(control.ask(&retire("idle")), "busy clients=1 guards=0");
    assert!(control.ask("status").contains("state=retiring"));
    assert_eq!(client.ask("still"), format!("{} still", getuid()));
    drop(client);
    assert_exits(&lab, daemon);
}
