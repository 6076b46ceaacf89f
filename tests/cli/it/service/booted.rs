//! Services under a booted systemd: installed, run under `hardening = strict`, reloaded, restarted and removed.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use crate::managers::machine::{machine, main_of, wait_for};
use look::{Machine, Outcome};

/// The program in the machine, where every directory above is root's alone.
const PROGRAM: &str = "/usr/local/bin/servicelab";

/// Arguments that a parser of unit files reads as something else, if they are not quoted.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "  two  spaces ",
    ";",
    "a;b",
    "'",
    "\"",
    "it's \"x\"",
    "\\",
    "\\n",
    "a\\",
    "$HOME",
    "${HOME}",
    "$$",
    "%",
    "%%",
    "%n",
    "%h/x",
    "-",
    "-@+!:x",
    "@x",
    ":x",
    "!x",
    "|x",
    "#x",
    "*",
    "~",
    "a=b",
    "\u{fc}",
    "日本語",
    "\u{a0}",
    "\\x41",
    "\\u00e9",
    "\"unbalanced",
    "'unbalanced",
];

/// Returns the machine, with the program in it.
fn machine_with_program() -> Arc<Machine> {
    static INSTALLED: Once = Once::new();
    let machine = machine();
    INSTALLED.call_once(|| machine.install(Path::new(env!("CARGO_BIN_EXE_servicelab")), PROGRAM));
    machine
}

/// Runs `servicelab service VERB ARGUMENTS…` as root.
fn service(machine: &Machine, verb: &str, arguments: &[&str]) -> Outcome {
    machine.command(PROGRAM, &["service", verb]).args(arguments).within(Duration::from_secs(60)).run()
}

/// Returns the paths of files and links of units whose names contain `name`.
fn unit_files(machine: &Machine, name: &str) -> Vec<String> {
    let found = machine
        .command(
            "find",
            &[
                "/etc/systemd",
                "/run/systemd/system",
                "/home",
                "-name",
                &format!("*{name}*"),
                "-not",
                "-path",
                "/home/ada/.local/*",
            ],
        )
        .run()
        .ok();
    found.stdout.lines().map(str::to_owned).collect()
}

/// Promise 11.11. One test, since it is one service: from its installation to its removal.
#[test]
fn strict_service_runs_with_every_argument_and_is_removed_without_a_trace() {
    let machine = machine_with_program();
    let arguments = ["--run-as", "daemon", "--now", "--", "--port", "80", "--write", "/var/lib/servicelab/words", "--"];
    let arguments = [&arguments[..], HOSTILE].concat();
    let installed = service(&machine, "install", &arguments);
    assert_eq!(installed.code(), 0, "{installed}\n{}", machine.journal("servicelab"));
    let words = machine.read("/var/lib/servicelab/words");
    assert_eq!(words.split_terminator('\0').collect::<Vec<_>>(), HOSTILE);
    assert!(machine.journal("servicelab").contains("serving, token none"));
    assert_eq!(machine.property("servicelab", "WatchdogUSec"), "20s");
    assert!(
        machine.path("/run/servicelab/servicelab.pid").exists()
            && machine.path("/run/servicelab/servicelab.control").exists()
    );

    // `reload` runs inside of the restrictions, `status` outside: both find the daemon of the unit.
    machine.systemctl(&["reload", "servicelab"]).ok();
    machine.command(PROGRAM, &["status"]).run().ok().prints(&["running"]);
    let status = service(&machine, "status", &["--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&json["enabled"], &json["active"]), (&"enabled".into(), &"active".into()), "{json}");
    assert_eq!((&json["differs"], &json["program_problem"]), (&false.into(), &serde_json::Value::Null), "{json}");

    // Nothing changes, so nothing is restarted.
    let (pid, process) = main_of(&machine, "servicelab");
    service(&machine, "install", &arguments).ok().prints(&["unchanged"]);
    assert_eq!(main_of(&machine, "servicelab").0, pid);
    fs::remove_file(machine.path("/var/lib/servicelab/words")).expect("its words");
    process.signal(nix::sys::signal::Signal::SIGKILL);
    wait_for(&machine, "/var/lib/servicelab/words", |words| !words.is_empty());
    assert_ne!(main_of(&machine, "servicelab").0, pid);

    service(&machine, "uninstall", &[]).ok().prints(&["removed"]);
    assert_eq!(machine.property("servicelab", "LoadState"), "not-found");
    assert_eq!(unit_files(&machine, "servicelab"), [""; 0]);
    assert!(!machine.path("/run/servicelab").exists());
    service(&machine, "uninstall", &[]).ok().prints(&["no service is installed"]);
}

/// A user's service, with its own service manager.
#[test]
fn service_of_a_user_runs_and_is_removed_without_a_trace() {
    let machine = machine_with_program();
    let service = |verb: &str, arguments: &[&str]| {
        machine.login(PROGRAM, &["service", verb, "--name", "own"]).args(arguments).run()
    };
    let installed = service("install", &["--user", "--now", "--", "--write", "/home/ada/words", "a b"]);
    assert_eq!(installed.code(), 0, "{installed}\n{}", machine.log());
    assert!(!installed.stdout.contains("enable-linger"), "{installed}");
    assert_eq!(machine.read("/home/ada/words"), "a b\0");
    let unit = "servicelab@own.service";
    machine.user_systemctl(&["reload", unit]).ok();
    let shown = machine.user_systemctl(&["is-enabled", unit]).ok();
    assert_eq!(shown.stdout.trim(), "enabled");
    service("status", &[])
        .ok()
        .prints(&["installed, systemd, user: /home/ada/.config/systemd/user/servicelab@own.service", "state: active"]);
    service("uninstall", &[]).ok().prints(&["removed", "disable-linger ada"]);
    assert_eq!(unit_files(&machine, "servicelab@own"), [""; 0]);
    machine.user_systemctl(&["is-active", unit]).exits(3);
}

/// Promise 11.10.
#[test]
fn failed_start_undoes_the_installation() {
    let machine = machine_with_program();
    let place = ["--name", "failing", "--run-as", "daemon", "--now"];
    let failing = [&place[..], &["--", "--write", "/root/words", "x"]].concat();
    service(&machine, "install", &failing).exits(2).says(&["systemctl", "nothing was installed"]);
    assert_eq!(unit_files(&machine, "servicelab@failing"), [""; 0]);
    assert_eq!(machine.property("servicelab@failing", "LoadState"), "not-found");
    let missing = ["--name", "failing", "--run-as", "no-such-user"];
    service(&machine, "install", &missing).exits(2).says(&["`no-such-user`", "useradd --system"]);
}

#[test]
fn failed_change_of_a_service_restores_the_running_one() {
    let machine = machine_with_program();
    let place = ["--name", "changing", "--now"];
    service(&machine, "install", &place).ok();
    let unit = "servicelab@changing";
    let before = machine.read(format!("/etc/systemd/system/{unit}.service"));
    let failing = [&place[..], &["--", "--write", "/root/words", "x"]].concat();
    let outcome =
        machine.command(PROGRAM, &["service", "install"]).args(&failing).env("SERVICELAB_SOCKET", "/run/changing.sock");
    outcome.within(Duration::from_secs(60)).run().exits(2).says(&["/root/words", "is as it was before"]);
    assert_eq!(machine.read(format!("/etc/systemd/system/{unit}.service")), before);
    assert_eq!(
        (machine.property(unit, "ActiveState"), machine.property(unit, "UnitFileState")),
        ("active".into(), "enabled".into())
    );
    assert_eq!(unit_files(&machine, unit).len(), 2, "the unit and its link");
    service(&machine, "uninstall", &["--name", "changing"]).ok();
    assert_eq!(unit_files(&machine, unit), [""; 0]);
}

#[test]
fn socket_unit_is_installed_with_the_service_and_removed_when_it_is_not_wanted() {
    let machine = machine_with_program();
    let install = |socket: Option<&str>| {
        let run = machine.command(PROGRAM, &["service", "install", "--name", "listening", "--now"]);
        match socket {
            Some(socket) => run.env("SERVICELAB_SOCKET", socket).run().ok(),
            None => run.run().ok(),
        }
    };
    let (service, socket) = ("servicelab@listening.service", "servicelab@listening.socket");
    install(Some("web=/run/listening.sock"));
    assert_eq!(machine.property(socket, "ActiveState"), "active");
    assert!(machine.journal(service).contains("socket web\n"), "{}", machine.journal(service));
    assert_eq!(unit_files(&machine, "servicelab@listening").len(), 4);
    install(None).prints(&["installed "]);
    assert_eq!(machine.property(socket, "LoadState"), "not-found");
    assert_eq!(unit_files(&machine, "servicelab@listening").len(), 2);
    machine.command(PROGRAM, &["service", "uninstall", "--name", "listening"]).run().ok();
    assert_eq!(unit_files(&machine, "servicelab@listening"), [""; 0]);
}

/// The user root has no session in the machine, and so no service manager before.
#[test]
fn linger_starts_the_service_manager_of_a_user_without_a_session() {
    let machine = machine_with_program();
    let service = |verb: &str, more: &[&str]| {
        machine.command(PROGRAM, &["service", verb, "--user", "--name", "linger"]).args(more).run()
    };
    service("install", &["--now"]).exits(2).says(&["has no session", "--linger"]);
    let installed = service("install", &["--now", "--linger", "--", "--write", "/root/words", "x"]);
    assert_eq!(installed.code(), 0, "{installed}\n{}", machine.log());
    assert_eq!(machine.read("/root/words"), "x\0");
    assert!(machine.path("/var/lib/systemd/linger/root").exists());
    service("uninstall", &[]).ok().prints(&["lingering", "disable-linger root"]);
    machine.command("loginctl", &["disable-linger", "root"]).run().ok();
}
