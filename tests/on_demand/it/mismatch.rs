//! A client meets a daemon of another build.

use crate::builds::change_id;
use crate::versions_lab::{LONG, VersionsLab, assert_ends, lives};
use std::time::Instant;

#[test]
fn table_of_the_document_is_that_of_the_code() {
    let table = include_str!("../../../daemonize-on-demand/src/mismatch/verdicts.md");
    assert!(include_str!("../../../docs/on-demand-protocol.md").contains(table));
}

/// Promise 12.08.
#[test]
fn idle_daemon_of_another_id_is_replaced() {
    let lab = VersionsLab::new();
    let other = lab.other_build("other", change_id);
    let first = lab.connect_and_leave(&[]);
    let second = lab.connect_with(Some(&other), &[]);
    assert!(second.has_started() && second.build() != first.build(), "{second:?}");
    assert_ends(first.pid());
    // Another client of this build changes nothing.
    let third = lab.connect_with(Some(&other), &[]);
    assert_eq!((third.pid(), third.has_started()), (second.pid(), false));
}

/// Promise 12.08: two alternating builds do not fight.
#[test]
fn working_daemon_serves_clients_of_both_of_two_alternating_builds() {
    let lab = VersionsLab::new();
    let other = lab.other_build("other", change_id);
    let first = lab.hold("first", &[]);
    for round in 0..3 {
        for reaction in ["on_mismatch=restart_when_idle", "on_mismatch=restart_now"] {
            let served = lab.connect_with(Some(&other), &[reaction]);
            assert_eq!((served.pid(), served.has_started()), (first.served.pid(), false), "round {round}");
            assert_eq!(lab.connect(&[reaction]).pid(), first.served.pid());
        }
    }
    // One order: the daemon was not even asked to exit later.
    assert_eq!(lab.status("state"), "ready");
    let pid = first.served.pid();
    first.release();
    lab.wait_for_status("clients", "0");
    assert!(lives(pid));
}

/// Promise 12.08.
#[test]
fn client_of_a_higher_version_is_served_by_a_working_daemon_which_exits_with_its_last_client() {
    let lab = VersionsLab::new();
    let old = lab.hold("old", &["version=1.9.0"]);
    let new = lab.hold("new", &["version=1.10.0"]);
    assert_eq!((new.served.pid(), new.served.text("version")), (old.served.pid(), "1.9.0"));
    assert_eq!(lab.status("state"), "retiring");
    let pid = old.served.pid();
    old.release();
    lab.wait_for_status("clients", "1");
    assert!(lives(pid), "the newer client is still there");
    new.release();
    assert_ends(pid);
    let next = lab.connect(&["version=1.10.0"]);
    assert!(next.has_started() && next.text("version") == "1.10.0", "{next:?}");
}

/// Promise 12.08.
#[test]
fn client_of_a_lower_version_never_replaces_the_daemon() {
    let lab = VersionsLab::new();
    let daemon = lab.connect_and_leave(&["version=2.0.0"]);
    for reaction in ["restart_when_idle", "restart_now", "keep"] {
        let served = lab.connect(&["version=2.0.0-rc.1", &format!("on_mismatch={reaction}")]);
        assert_eq!(served.pid(), daemon.pid(), "{reaction}");
    }
    let refused = lab.helper(None, "connect", &["version=1.0.0", "on_mismatch=refuse"]).run().exits(2);
    refused.says(&["version 2.0.0", "version 1.0.0", "on_mismatch"]);
    assert_eq!((lab.status("state").as_str(), lives(daemon.pid())), ("ready", true));
}

/// Promise 12.08.
#[test]
fn daemon_of_a_higher_protocol_number_is_neither_used_nor_replaced() {
    let lab = VersionsLab::new();
    let daemon = lab.connect_and_leave(&["protocol=2"]);
    for reaction in ["restart_when_idle", "restart_now", "keep", "refuse"] {
        let reaction = format!("on_mismatch={reaction}");
        let refused = lab.helper(None, "connect", &["protocol=1", "version=9.0.0", &reaction]).run().exits(2);
        let pid = format!("pid {} is protocol 2", daemon.pid());
        refused.says(&["failed to connect to `agent`", &pid, "this program protocol 1", "stop `agent`"]);
    }
    assert_eq!((lab.status("state").as_str(), lives(daemon.pid())), ("ready", true));
}

/// Promise 12.08.
#[test]
fn daemon_of_another_package_is_neither_used_nor_replaced() {
    let lab = VersionsLab::new();
    let daemon = lab.connect_and_leave(&["package=hello", "version=1.0.0"]);
    for reaction in ["restart_when_idle", "restart_now", "keep", "refuse"] {
        let reaction = format!("on_mismatch={reaction}");
        let options = ["package=other", "version=9.0.0", "protocol=2", &reaction];
        let refused = lab.helper(None, "connect", &options).run().exits(2);
        let pid = format!("pid {} is `hello` protocol 1", daemon.pid());
        refused.says(&["failed to connect to `agent`", &pid, "this program `other`", "give this one a `name`"]);
    }
    assert_eq!((lab.status("state").as_str(), lives(daemon.pid())), ("ready", true));
    // A client that names no package is of any.
    assert_eq!(lab.connect(&["version=1.0.0"]).pid(), daemon.pid());
}

/// Promise 12.08.
#[test]
fn client_of_a_higher_protocol_number_waits_until_the_daemon_is_idle() {
    let lab = VersionsLab::new();
    let old = lab.hold("old", &["protocol=1"]);
    let pid = old.served.pid();
    let began = Instant::now();
    let new = lab.helper(None, "connect", &["protocol=2"]).spawn();
    lab.wait_for_status("state", "retiring");
    assert!(lives(pid));
    old.release();
    let new = crate::versions_lab::ServedClient::parse(&new.finish().ok().stdout);
    assert!(new.has_started() && new.text("protocol") == "2", "{new:?}");
    assert!(began.elapsed() < LONG);
    assert_ends(pid);
}

/// Promise 12.08.
#[test]
fn client_of_a_higher_protocol_number_fails_at_its_deadline_if_the_daemon_works() {
    let lab = VersionsLab::new();
    let old = lab.hold("old", &["protocol=1"]);
    let refused = lab.helper(None, "connect", &["protocol=2", "connect_timeout=300"]).run().exits(2);
    refused.says(&[
        "protocol 1",
        "this program protocol 2",
        "it has another client",
        "try again later, or stop `agent`",
    ]);
    assert!(lives(old.served.pid()));
    old.release();
}

#[test]
fn restart_now_stops_a_working_daemon_of_lower_order() {
    let lab = VersionsLab::new();
    let old = lab.hold("old", &["version=1.0.0"]);
    let new = lab.connect(&["version=1.0.1", "on_mismatch=restart_now"]);
    assert!(new.has_started() && new.text("version") == "1.0.1", "{new:?}");
    assert_ends(old.served.pid());
    old.release();
}

#[test]
fn daemon_of_another_constraint_is_used_with_keep_alone() {
    let lab = VersionsLab::new();
    let first = lab.connect_and_leave(&["constraint=first"]);
    assert_eq!(lab.connect(&["constraint=second", "on_mismatch=keep"]).pid(), first.pid());
    let refused = lab.helper(None, "connect", &["on_mismatch=refuse"]).run().exits(2);
    refused.says(&["its constraint is `first`, this program's not set"]);
    let second = lab.connect(&["constraint=second"]);
    assert!(second.has_started() && second.text("constraint") == "second", "{second:?}");
    assert_ends(first.pid());
}

/// It would start one daemon after the other.
#[test]
fn client_that_starts_a_daemon_with_other_settings_than_its_own_fails_at_once() {
    let lab = VersionsLab::new();
    let refused = lab.helper(None, "connect", &["constraint=mine", "attached_constraint=other"]).run().exits(2);
    assert!(refused.took < LONG);
    refused
        .says(&["its constraint is `other`, this program's `mine`", "attach the `OnDemand` that `connect` is given"]);
}

/// A daemon that lies in its greeting, never answers a request, and reads nothing: a process of the same user alone can be one. It
/// keeps no client longer than its deadline, and no other process is hurt.
#[test]
fn daemon_that_lies_and_never_answers_keeps_a_client_until_its_deadline() {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let lab = VersionsLab::new();
    std::fs::create_dir(lab.lab.path("agent.agent")).unwrap();
    std::fs::set_permissions(lab.lab.path("agent.agent"), PermissionsExt::from_mode(0o700)).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(lab.lab.path("agent.agent/socket")).unwrap();
    let _control = std::os::unix::net::UnixListener::bind(lab.lab.path("agent.agent/control")).unwrap();
    let bystander = lab.lab.command("sleep", &["1000"]).spawn();
    // The pid of a process that is not the daemon.
    let greeting = format!("daemonic/1 name=agent pid={} build=0a protocol=1 state=ready\n", bystander.process().id());
    std::thread::spawn(move || {
        let mut clients = Vec::new();
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.write_all(greeting.as_bytes());
            clients.push(client);
        }
    });
    for options in [["protocol=2", "on_mismatch=restart_when_idle"], ["protocol=2", "on_mismatch=restart_now"]] {
        let refused = lab.helper(None, "connect", &options).args(["connect_timeout=1000"]).run();
        assert!(refused.code() != 0 && refused.took.as_millis() < 5000, "{refused}");
    }
    // It may serve: the client is told nothing but that it is of another build.
    let served = lab.connect(&["connect_timeout=5000"]);
    assert_eq!(served.pid(), bystander.process().id());
    assert!(bystander.process().alive());
    bystander.process().signal(nix::sys::signal::Signal::SIGKILL);
}
