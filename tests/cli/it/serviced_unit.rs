//! The example `serviced` as a unit of a booted systemd.

use look::{Machine, Outcome};

use crate::managers::machine::{machine, main_of};
use crate::serviced::programs;

/// The program in the machine, where every directory above is root's alone.
const PROGRAM: &str = "/usr/local/bin/serviced";

/// The unit of the example.
const UNIT: &str = "serviced.service";

/// The mask of `CAP_NET_BIND_SERVICE`.
const BIND_SERVICE: &str = "0000000000000400";

/// A port that needs a privilege, and that no other service of the machine has.
const PORT: &str = "81";

/// Asserts that the server replies: the machine has a network of its own.
#[track_caller]
fn greets(machine: &Machine) {
    let url = format!("http://127.0.0.1:{PORT}/");
    let reply = machine.command("curl", &["--silent", "--show-error", "--fail", "--max-time", "10", &url]).run().ok();
    assert_eq!(reply.stdout, "hello\n");
}

/// One test, since it is one unit: from its installation to its removal.
#[test]
fn example_runs_under_strict_hardening_with_its_low_port_and_leaves_nothing() {
    let machine = machine();
    machine.install(&programs().join("serviced"), PROGRAM);
    let serviced = |arguments: &[&str]| -> Outcome { machine.command(PROGRAM, arguments).run() };
    let install = ["service", "install", "--system", "--run-as", "daemon", "--now", "--", "--port", PORT];
    let installed = serviced(&install);
    assert_eq!(installed.code(), 0, "{installed}\n{}", machine.journal(UNIT));
    greets(&machine);

    let (pid, process) = main_of(&machine, UNIT);
    assert_eq!(process.ids().expect("it is alive").users, [1; 4]);
    assert_eq!(process.status("CapEff").as_deref(), Some(BIND_SERVICE));
    assert_eq!(machine.property(UNIT, "WatchdogUSec"), "30s");
    let status = serviced(&["status"]).ok();
    status.prints(&[UNIT, &pid.to_string(), "/run/serviced/serviced.pid", "/run/serviced/serviced.control/socket"]);
    serviced(&["logs", "-n", "all"]).ok().prints(&[&format!("serving port {PORT}"), "greeted 127.0.0.1"]);
    let security = ["security", "--no-pager", "--threshold=20", UNIT];
    machine.command("systemd-analyze", &security).run().ok();

    serviced(&["reload"]).ok();
    serviced(&["restart"]).ok();
    let restarted = main_of(&machine, UNIT).0;
    assert_ne!(restarted, pid);
    greets(&machine);
    serviced(&["stop"]).ok();
    assert_eq!(machine.property(UNIT, "ActiveState"), "inactive");
    assert_eq!(machine.property(UNIT, "Result"), "success");
    serviced(&["start"]).ok();
    assert_eq!(machine.property(UNIT, "ActiveState"), "active");

    serviced(&["service", "uninstall"]).ok();
    assert_eq!(machine.property(UNIT, "LoadState"), "not-found");
    assert!(!machine.path("/run/serviced").exists());
    serviced(&["status"]).exits(3);
}
