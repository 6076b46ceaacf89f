//! A program that installs itself as a unit of a real systemd, of the machine and of a user, and its verbs beside the unit.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;

use look::{Machine, Outcome, Run};

use super::machine::{EVENT_TIMEOUT, UNIT_PROGRAM, boot, machine, main_of};

/// The capability 10, `CAP_NET_BIND_SERVICE` (`capability.h`), as a set.
const NET_BIND_SERVICE: &str = "0000000000000400";

/// Prepares a verb of the program, as root.
fn verb<'a>(machine: &'a Machine, arguments: &[&str]) -> Run<'a> {
    machine.command(UNIT_PROGRAM, arguments)
}

/// Installs the instance `name` as a unit of the machine and starts it; returns the name of the unit.
fn install(machine: &Machine, name: &str, arguments: &[&str]) -> String {
    let install = verb(machine, &["service", "install", "--system", "--now", "--name", name, "--"]).args(arguments);
    install.run().ok().prints(&[&format!("installed /etc/systemd/system/unitlab@{name}.service")]);
    format!("unitlab@{name}.service")
}

/// Asserts that a verb went through systemd by this command.
#[track_caller]
fn goes_through(outcome: Outcome, command: &str) -> Outcome {
    let text = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(text.contains(&format!("through systemd: {command}")), "{outcome}");
    outcome.ok()
}

#[test]
fn installed_units_run_after_a_boot_and_leave_nothing_when_removed() {
    let mut machine = boot();
    verb(&machine, &["service", "install", "--system", "--", "--port", "81"]).run().ok();
    // Another instance: the unit of the machine runs as the same user, and would be the same daemon.
    machine.login(UNIT_PROGRAM, &["service", "install", "--user", "--name", "own"]).run().ok();
    assert_eq!(machine.property("unitlab", "ActiveState"), "inactive");
    machine.reboot();
    let (_, daemon) = main_of(&machine, "unitlab.service");
    assert_eq!(daemon.ids().expect("it is alive").users, [super::machine::ADA; 4]);
    let of_user = |property: &str| {
        machine
            .user_systemctl(&["show", "--value", "--property", property, "unitlab@own"])
            .ok()
            .stdout
            .trim()
            .to_owned()
    };
    machine.user_systemctl(&["is-system-running", "--wait"]).ok();
    assert_eq!(of_user("ActiveState"), "active", "{}", machine.log());
    let users = machine.process(of_user("MainPID").parse().expect("a pid")).expect("a process");
    assert_ne!(users, daemon);
    machine
        .login(UNIT_PROGRAM, &["status", "--name", "own"])
        .run()
        .ok()
        .prints(&["unitlab@own.service (systemd, user, active)"]);
    for _ in 0..2 {
        verb(&machine, &["service", "uninstall", "--system"]).run().ok();
        machine.login(UNIT_PROGRAM, &["service", "uninstall", "--user", "--name", "own"]).run().ok();
    }
    assert!(!daemon.alive() && !users.alive());
    assert_eq!(machine.property("unitlab", "LoadState"), "not-found");
    assert_eq!(of_user("LoadState"), "not-found");
    // Logs and state stay, and say so.
    let search = "find /etc/systemd /run /home/ada/.config /usr/lib/systemd -name '*unitlab*'";
    assert_eq!(machine.command("sh", &["-c", search]).run().ok().stdout, "", "files are left");
}

/// Promise 11.12.
/// The unit has all restrictions, and with them pidfile, endpoint, journal, watchdog and a port below 1024.
#[test]
fn strict_unit_keeps_what_the_daemon_needs() {
    let machine = machine();
    let unit = install(&machine, "strict", &["--port", "82"]);
    let (pid, daemon) = main_of(&machine, &unit);
    assert!(machine.read("/run/unitlab@strict/unitlab@strict.pid").starts_with(&format!("{pid}\n")));
    assert_eq!(daemon.status("CapEff").as_deref(), Some(NET_BIND_SERVICE));
    assert!(machine.journal(&unit).contains("listening at Some(Ok(127.0.0.1:82))"), "{}", machine.journal(&unit));
    let socket = "/run/unitlab@strict/unitlab@strict.control/socket";
    machine.login("curl", &["--silent", "--fail", "--unix-socket", socket, "http://localhost/status"]).run().ok();
    let security = machine.command("systemd-analyze", &["security", "--threshold=20", &unit]).run();
    assert_eq!(security.code(), 0, "{security}");
    // The watchdog's last message is a time, which moves on while the daemon lives.
    let told = machine.property(&unit, "WatchdogTimestampMonotonic");
    assert_eq!(machine.property(&unit, "WatchdogUSec"), "1s");
    let script = format!(
        "until [ $(systemctl show -p WatchdogTimestampMonotonic --value {unit}) != {told} ]; do sleep 0.1; done"
    );
    machine.command("sh", &["-c", &script]).within(EVENT_TIMEOUT).run().ok();
    assert_eq!(machine.property(&unit, "NRestarts"), "0");
    verb(&machine, &["service", "uninstall", "--system", "--name", "strict"]).run().ok();
}

/// Promise 11.03.
#[test]
fn verbs_beside_a_unit_go_through_systemctl() {
    let machine = machine();
    let unit = install(&machine, "verbs", &[]);
    let run = |words: &[&str]| verb(&machine, words).args(["--name", "verbs"]).run();
    let (first, process) = main_of(&machine, &unit);
    run(&["start"]).exits(3).says(&["already running", &first.to_string()]);
    goes_through(run(&["restart"]), &format!("systemctl restart {unit}"));
    let (second, _) = main_of(&machine, &unit);
    assert!(second != first && !process.alive());
    goes_through(run(&["try-restart"]), &format!("systemctl try-restart {unit}"));
    let (third, process) = main_of(&machine, &unit);
    assert_ne!(third, second);
    run(&["status"]).ok().prints(&[&third.to_string(), &format!("{unit} (systemd, system, active)")]);
    run(&["logs", "-n", "2"]).ok().prints(&["listening at None"]);
    // The user that the daemon runs as may signal it, and is refused nevertheless.
    let refused = machine.login(UNIT_PROGRAM, &["stop", "--name", "verbs"]).run();
    assert!(refused.code() != 0 && process.alive(), "{refused}");
    refused.says(&[&format!("systemctl stop {unit}")]);
    goes_through(run(&["stop"]), &format!("systemctl stop {unit}"));
    assert!(!process.alive());
    assert_eq!(
        (machine.property(&unit, "Result").as_str(), machine.property(&unit, "NRestarts").as_str()),
        ("success", "0")
    );
    let refused = run(&["start", "--port", "83"]);
    assert_eq!(machine.property(&unit, "ActiveState"), "inactive");
    assert_ne!(refused.code(), 0, "a second copy beside the unit");
    refused.says(&[&format!("systemctl start {unit}")]);
    goes_through(run(&["start"]), &format!("systemctl start {unit}"));
    assert_eq!(machine.property(&unit, "ActiveState"), "active");
    verb(&machine, &["service", "uninstall", "--system", "--name", "verbs"]).run().ok();
}

/// Promise 11.13. `ExecReload=` is the program's own verb: it waits, and systemd learns how the reload ended.
#[test]
fn reload_of_a_unit_waits_and_fails_truthfully() {
    let machine = machine();
    let unit = install(&machine, "reloads", &[]);
    let (_, daemon) = main_of(&machine, &unit);
    let reload = || verb(&machine, &["reload", "--name", "reloads"]).run();
    goes_through(reload(), &format!("systemctl reload {unit}"));
    assert!(machine.journal(&unit).contains("configuration read"), "it has not waited: {}", machine.journal(&unit));
    std::fs::write(machine.path("/etc/unitlab.bad"), "").expect("a file system of our own");
    let failed = reload();
    assert_ne!(failed.code(), 0, "{failed}");
    assert_ne!(machine.systemctl(&["reload", &unit]).code(), 0);
    std::fs::remove_file(machine.path("/etc/unitlab.bad")).expect("a file of ours");
    assert!(machine.journal(&unit).contains("line 7 is not understood"), "{}", machine.journal(&unit));
    assert!(daemon.alive());
    machine.systemctl(&["reload", &unit]).ok();
    verb(&machine, &["service", "uninstall", "--system", "--name", "reloads"]).run().ok();
}

/// Promise 11.03.
#[test]
fn verbs_of_a_user_go_through_the_users_manager() {
    let machine = machine();
    let run = |words: &[&str]| machine.login(UNIT_PROGRAM, words).args(["--name", "mine"]).run();
    run(&["service", "install", "--user", "--now"]).ok();
    let unit = "unitlab@mine.service";
    let show = |property: &str| machine.user_systemctl(&["show", "--value", "--property", property, unit]).ok().stdout;
    let first = show("MainPID");
    goes_through(run(&["restart"]), &format!("systemctl --user restart {unit}"));
    assert_ne!(show("MainPID"), first);
    goes_through(run(&["reload"]), &format!("systemctl --user reload {unit}"));
    goes_through(run(&["stop"]), &format!("systemctl --user stop {unit}"));
    assert_eq!(show("ActiveState"), "inactive\n");
    // Root's daemon of this name is another one.
    verb(&machine, &["status", "--name", "mine"]).run().exits(3);
    run(&["service", "uninstall", "--user"]).ok();
    assert_eq!(show("LoadState"), "not-found\n");
}

/// systemd listens, and starts the service for the first client.
#[test]
fn socket_unit_starts_the_service_for_a_client() {
    let machine = machine();
    let program = "/usr/local/bin/socketlab";
    machine.install(Path::new(env!("CARGO_BIN_EXE_socketlab")), program);
    machine.command(program, &["service", "install", "--system"]).run().ok();
    machine.systemctl(&["start", "socketlab.socket"]).ok();
    assert_eq!(machine.property("socketlab", "ActiveState"), "inactive");
    let socket = machine.path("/run/socketlab.socket");
    let mut greeting = String::new();
    for _ in 0..2 {
        let mut client = UnixStream::connect(&socket).expect("systemd listens");
        client.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
        client
            .read_to_string(&mut greeting)
            .unwrap_or_else(|error| panic!("{error}: {}", machine.journal("socketlab")));
    }
    assert_eq!(greeting, "this is greeter\nthis is greeter\n");
    assert_eq!(machine.property("socketlab", "ActiveState"), "active");
    machine.command(program, &["service", "uninstall", "--system"]).run().ok();
    for unit in ["socketlab.service", "socketlab.socket"] {
        assert_eq!(machine.property(unit, "LoadState"), "not-found", "{unit}");
    }
    assert!(!socket.exists());
}
