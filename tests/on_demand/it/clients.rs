//! The clients that the body receives.

use nix::sys::signal::Signal;
use nix::unistd::getuid;

use crate::plain_client::{ANSWER_TIMEOUT, NEVER_IDLE, PlainClient, new_lab, start};

#[test]
fn clients_of_sync_threaded_and_async_bodies_are_served() {
    for body in ["echo", "pool", "async"] {
        let lab = new_lab();
        let daemon = start(&lab, body, NEVER_IDLE, &[]);
        let count = if body == "echo" { 1 } else { 3 };
        // All are open at once.
        let mut clients: Vec<PlainClient> = (0..count).map(|_| PlainClient::connect(&lab)).collect();
        for client in &mut clients {
            assert_eq!(client.greeted_answer("hello"), format!("{} hello", getuid()), "{body}");
        }
        drop(clients);
        daemon.signal(Signal::SIGTERM);
        daemon.died(ANSWER_TIMEOUT).expect("clients() ends at a stop");
        assert!(!lab.path("agent.agent/socket").exists() && !lab.path("agent.pid").exists(), "{body}");
    }
}

#[test]
fn clients_that_were_greeted_before_a_stop_are_served_and_later_ones_are_not() {
    let lab = new_lab();
    let daemon = start(&lab, "held", NEVER_IDLE, &[]);
    let mut clients = [PlainClient::connect(&lab), PlainClient::connect(&lab)];
    for client in &mut clients {
        assert!(client.line().contains("state=ready"));
    }
    lab.wait_for("taken", ANSWER_TIMEOUT, |_| true);
    daemon.signal(Signal::SIGTERM);
    // The acceptor hides the socket before it closes the queue.
    look::until(&lab.path("agent.agent/socket"), look::Deadline::after(ANSWER_TIMEOUT), || {
        (!lab.path("agent.agent/socket").exists()).then_some(())
    })
    .expect("a hidden socket");
    lab.write("go", "");
    for mut client in clients {
        assert_eq!(client.ask("hello"), format!("{} hello", getuid()));
    }
    daemon.died(ANSWER_TIMEOUT).expect("clients() ends at a stop");
}

/// A client in the backlog of a daemon that gets a stop is either served, or told before it was read that another daemon will.
#[test]
fn client_that_connects_during_a_stop_is_served_or_sent_away() {
    let (mut served, mut sent_away) = (0, 0);
    for _ in 0..5 {
        let lab = new_lab();
        let daemon = start(&lab, "echo", NEVER_IDLE, &[]);
        daemon.signal(Signal::SIGSTOP);
        let mut client = PlainClient::connect(&lab);
        daemon.signal(Signal::SIGTERM);
        daemon.signal(Signal::SIGCONT);
        match client.try_line() {
            Ok(greeting) if greeting.contains("state=ready") => {
                assert_eq!(client.ask("hello"), format!("{} hello", getuid()));
                served += 1;
            }
            Ok(greeting) => {
                assert!(greeting.is_empty() || greeting.contains("state=leaving"), "{greeting}");
                sent_away += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                sent_away += 1;
            }
        }
        drop(client);
        daemon.died(ANSWER_TIMEOUT).expect("a stop");
    }
    assert_eq!(served + sent_away, 5);
}

#[test]
fn body_that_returns_ends_the_daemon_and_removes_its_sockets() {
    let lab = new_lab();
    let daemon = start(&lab, "one", NEVER_IDLE, &[]);
    assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), format!("{} hello", getuid()));
    daemon.died(ANSWER_TIMEOUT).expect("the body has returned");
    for name in ["agent.agent/socket", "agent.agent/control", "agent.agent/leaving", "agent.pid"] {
        assert!(!lab.path(name).exists(), "{name}");
    }
}

#[test]
fn sockets_of_a_daemon_that_closes_all_descriptors_stay_open_and_are_not_inherited() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", NEVER_IDLE, &["close"]);
    assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), format!("{} hello", getuid()));
    // A program that the body executes.
    let inherited = PlainClient::connect(&lab).greeted_answer("!ls -l /proc/self/fd");
    assert!(inherited.contains("/proc/") && !inherited.contains("socket:"), "{inherited}");
    assert!(daemon.alive());
}

#[test]
fn clients_outside_of_a_daemon_on_demand_are_an_error() {
    let outcome = new_lab().run(&["server", "plain", "echo", NEVER_IDLE]).exits(2);
    assert!(outcome.stderr.contains("attach `OnDemand`"), "{}", outcome.stderr);
}
