//! Sockets that a service manager passes to the daemon, with the body unchanged.

use std::fs;
use std::path::Path;
use std::time::Duration;

use look::{Deadline, Lab, Machine, Process};
use nix::unistd::{geteuid, getuid};

use crate::plain_client::{ANSWER_TIMEOUT, NEVER_IDLE, PlainClient, new_lab};
use crate::session_machine::machine;

/// Waits until the daemon has written its pidfile, after it has bound its sockets.
#[track_caller]
fn wait_for_daemon(lab: &Lab) {
    lab.wait_for("agent.pid", ANSWER_TIMEOUT, |text| !text.is_empty());
}

#[track_caller]
fn assert_answers(lab: &Lab, socket: &str) {
    let mut client = PlainClient::connect_to(lab, socket).expect("a listener");
    assert_eq!(client.greeted_answer("hello"), format!("{} hello", getuid()), "{socket}");
}

#[test]
fn clients_of_passed_and_own_socket_are_served() {
    for name in ["", "clients", "agent.socket"] {
        let lab = new_lab();
        let daemon = lab.helper(&["server", "activate", name, "foreground", "echo", "700"]).spawn();
        wait_for_daemon(&lab);
        assert_answers(&lab, "passed.sock");
        assert_answers(&lab, "agent.agent/socket");
        daemon.finish().ok();
        // The passed socket is the manager's.
        assert!(lab.path("passed.sock").exists() && !lab.path("agent.agent/socket").exists());
    }
}

#[test]
fn passed_socket_of_another_name_is_left_to_the_body() {
    let lab = new_lab();
    let daemon = lab.helper(&["server", "activate", "admin", "foreground", "passed", NEVER_IDLE]).spawn();
    lab.wait_for("passed", ANSWER_TIMEOUT, |names| names == "admin");
    assert_answers(&lab, "agent.agent/socket");
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    daemon.finish().ok();
}

#[test]
fn client_of_a_passed_socket_needs_no_trusted_user() {
    assert!(geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let mut lab = new_lab();
    lab.bring_program();
    let daemon = lab.helper(&["server", "activate", "", "foreground", "echo", "1500"]).spawn();
    wait_for_daemon(&lab);
    fs::set_permissions(lab.path("passed.sock"), std::os::unix::fs::PermissionsExt::from_mode(0o666)).expect("a file");
    let program = lab.program().display().to_string();
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", &program, "server", "read", "passed.sock"];
    let outcome = lab.command("setpriv", &user).run().ok();
    assert!(outcome.stdout.contains("state=ready"), "{}", outcome.stdout);
    daemon.finish().ok();
}

/// A body that `service install` has installed serves the socket of its unit and the one beside its pidfile.
#[test]
fn installed_socket_unit_starts_the_daemon_for_each_client() {
    const PROGRAM: &str = "/usr/local/bin/unitagent";
    let machine = machine();
    machine.install(Path::new(env!("CARGO_BIN_EXE_on-demand-lab")), PROGRAM);
    machine.command(PROGRAM, &["service", "install", "--system", "--now"]).run().ok();
    let [passed, own] = ["/run/unitagent.sock", "/run/unitagent/unitagent.agent/socket"]
        .map(|socket| machine.path(socket).display().to_string());
    for _ in 0..2 {
        assert_answers(machine.lab(), &passed);
        assert_answers(machine.lab(), &own);
        let pid = machine.property("unitagent", "MainPID").parse().expect("a pid");
        machine.process(pid).expect("it lives").died(ANSWER_TIMEOUT).expect("an idle daemon exits");
    }
    machine.command(PROGRAM, &["service", "uninstall", "--system"]).run().ok();
}

/// A socket unit of a real systemd starts the daemon for its first client, and again after it has exited. The watchdog does not take a
/// body that waits for clients for one that hangs.
#[test]
fn socket_unit_starts_the_daemon_for_each_client_after_an_idle_exit() {
    assert!(geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let mut lab = new_lab();
    lab.bring_program();
    let machine = Machine::boot(lab);
    let lab = machine.lab();
    let (directory, program) = (lab.directory().display(), lab.program().display());
    let unit = "[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target";
    machine.unit("agent.socket", &format!("{unit}\n[Socket]\nListenStream={directory}/passed.sock\n"));
    let service = format!(
        "Type=notify\nEnvironment=LOOK_LAB={directory}\nWorkingDirectory={directory}\nWatchdogSec=400ms\n\
         ExecStart={program} server start echo 1000\n"
    );
    machine.unit("agent.service", &format!("{unit}\n[Service]\n{service}"));
    machine.systemctl(&["start", "agent.socket"]).ok();
    let mut daemons: Vec<Process> = Vec::new();
    for round in ["first", "second"] {
        let mut client = PlainClient::connect_to(lab, "passed.sock").expect("systemd listens");
        let answer = client.try_line().and_then(|_| {
            client.send(round);
            client.try_line()
        });
        assert!(answer.is_ok_and(|answer| answer == format!("0 {round}")), "{}", machine.journal("agent"));
        drop(client);
        // A client that uses `connect` finds the same daemon.
        assert_answers(lab, "agent.agent/socket");
        let daemon = machine.process(machine.property("agent", "MainPID").parse().expect("a pid")).expect("it lives");
        assert!(!daemons.contains(&daemon));
        daemons.push(daemon);
        daemon.died(ANSWER_TIMEOUT).expect("an idle daemon exits");
        let settled = Deadline::after(ANSWER_TIMEOUT);
        while machine.property("agent", "ActiveState") != "inactive" && !settled.passed() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(machine.property("agent", "Result"), "success");
    }
}
