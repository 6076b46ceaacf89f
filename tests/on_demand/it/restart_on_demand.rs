//! A daemon on demand that is restarted, changes its user, or has another root.

use std::os::unix::fs::MetadataExt;

use look::{Deadline, until};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::plain_client::{ANSWER_TIMEOUT, NEVER_IDLE, PlainClient, new_lab, start};

#[test]
fn restarted_daemon_takes_over_the_sockets() {
    let lab = new_lab();
    let first = start(&lab, "echo", NEVER_IDLE, &[]);
    assert_eq!(PlainClient::connect(&lab).greeted_answer("one"), format!("{} one", geteuid()));
    // By a verb of another process, and by the daemon itself.
    lab.run(&["server", "restart", "echo", NEVER_IDLE]).ok();
    let second = lab.daemon("agent.pid");
    assert!(first != second && !first.alive());
    let mut client = PlainClient::connect(&lab);
    assert_eq!(client.greeted_answer("two"), format!("{} two", geteuid()));
    client.send("restart");
    drop(client);
    second.died(ANSWER_TIMEOUT).expect("its successor takes over");
    let socket = lab.path("agent.agent/socket");
    until(&socket, Deadline::after(ANSWER_TIMEOUT), || socket.exists().then_some(())).expect("the successor's socket");
    let mut client = PlainClient::connect(&lab);
    assert_eq!(client.greeted_answer("three"), format!("{} three", geteuid()));
    let third = lab.daemon("agent.pid");
    assert!(third != second && third.alive());
    drop(client);
    third.signal(Signal::SIGTERM);
    third.died(ANSWER_TIMEOUT).expect("a stop");
    assert!(!lab.path("agent.agent/socket").exists());
}

#[test]
fn daemon_that_changes_its_user_or_root_serves_and_exits_when_idle() {
    assert!(geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    for options in [&["user=nobody"][..], &["user=nobody", "chroot=."]] {
        let lab = new_lab();
        let daemon = start(&lab, "echo", "600", options);
        assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), "0 hello", "{options:?}");
        assert_ne!(std::fs::metadata(lab.path("agent.agent")).expect("a directory").uid(), 0, "{options:?}");
        daemon.died(ANSWER_TIMEOUT).expect("an idle daemon exits");
        assert!(!lab.path("agent.agent/socket").exists() && !lab.path("agent.agent/leaving").exists(), "{options:?}");
        // The next start takes the directory back, and gives it away again.
        start(&lab, "echo", NEVER_IDLE, options);
        assert_eq!(PlainClient::connect(&lab).greeted_answer("again"), "0 again", "{options:?}");
    }
}

#[test]
fn endpoint_and_instance_work_beside_the_socket() {
    for option in ["endpoint", "instance"] {
        let lab = new_lab();
        let daemon = start(&lab, "echo", NEVER_IDLE, &[option]);
        assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), format!("{} hello", geteuid()));
        let socket = lab.path("agent.control/socket").display().to_string();
        let ask = ["-s", "--unix-socket", &socket, "http://localhost/"];
        let outcome = lab.command("curl", &ask).run().ok();
        assert!(outcome.stdout.contains(&format!("\"pid\":{}", daemon.id())), "{option}: {}", outcome.stdout);
        // A stop over the endpoint ends `clients()`.
        let stop = ["-s", "--unix-socket", &socket, "-X", "POST", "http://localhost/stop"];
        lab.command("curl", &stop).run().ok();
        daemon.died(ANSWER_TIMEOUT).expect("a stop");
        assert!(!lab.path("agent.agent/socket").exists(), "{option}");
    }
}
