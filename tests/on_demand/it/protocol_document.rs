//! The client in Python of `docs/on-demand-protocol.md`.

use std::process::Command;

use nix::unistd::getuid;

use crate::plain_client::{NEVER_IDLE, PlainClient, new_lab, start};

const DOCUMENT: &str = include_str!("../../../docs/on-demand-protocol.md");

#[test]
fn documented_client_is_served() {
    let lab = new_lab();
    start(&lab, "echo", NEVER_IDLE, &[]);
    let code = DOCUMENT.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a client");
    let expected = format!("{} hello\n", getuid());
    if Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        let outcome = lab.command("python3", &["-c", code, "agent.agent/socket", "hello"]).run().ok();
        assert_eq!(outcome.stdout, expected);
    } else {
        let answer = PlainClient::connect(&lab).greeted_answer("hello");
        assert_eq!(format!("{answer}\n"), expected);
    }
}

/// The documented answers of the socket `control`.
#[test]
fn documented_requests_are_answered() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", NEVER_IDLE, &[]);
    let mut control = PlainClient::connect_to(&lab, "agent.agent/control").expect("a control socket");
    assert_eq!(control.ask("ping"), format!("pong pid={}", daemon.id()));
    let status = control.ask("status");
    assert!(status.starts_with("status name=agent pid="), "{status}");
    assert_eq!(control.ask("retire pid=1 when=now"), "other");
    assert!(control.ask("again").starts_with("refused why="));
    // One connection sends too much, and others take every place; a later one is answered.
    let mut endless = PlainClient::connect_to(&lab, "agent.agent/control").expect("a control socket");
    endless.send(&"x".repeat(600));
    assert!(endless.try_line().map_or(true, |line| line.is_empty() || line.starts_with("refused")));
    let _silent: Vec<_> = (0..20).map(|_| PlainClient::connect_to(&lab, "agent.agent/control")).collect();
    assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), format!("{} hello", getuid()));
    assert_eq!(control.ask("ping"), format!("pong pid={}", daemon.id()));
    assert_eq!(control.ask(&format!("retire pid={} when=now", daemon.id())), "retiring");
    daemon.died(crate::plain_client::ANSWER_TIMEOUT).expect("a retired daemon exits");
}
