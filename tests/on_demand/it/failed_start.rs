//! Clients that wait for a start that fails.

use look::{Deadline, until};

use crate::plain_client::{ANSWER_TIMEOUT, NEVER_IDLE, PlainClient, new_lab};

/// D2, D6: see `docs/rules.md`.
#[test]
fn clients_that_wait_for_a_start_that_fails_read_its_cause() {
    let lab = new_lab();
    let start = lab.helper(&["server", "start", "fails", NEVER_IDLE]).spawn();
    let connect = || PlainClient::connect_to(&lab, "agent.agent/socket").ok();
    until(&lab.path("agent.pid"), Deadline::after(ANSWER_TIMEOUT), || {
        lab.path("agent.agent/socket").exists().then_some(())
    })
    .expect("a socket");
    let mut clients = [connect(), connect(), connect()];
    // The body fails now.
    lab.write("go", "");
    for client in clients.iter_mut().flatten() {
        let greeting = client.line();
        assert!(greeting.contains(" state=failed ") && greeting.contains("no%20cache%20directory"), "{greeting:?}");
        assert_eq!(client.line(), "");
    }
    let outcome = start.finish().exits(4);
    assert!(outcome.stderr.contains("no cache directory"), "{}", outcome.stderr);
    assert!(connect().is_none() && clients.iter().all(Option::is_some));
}
