use super::super::files;
use crate::definition::Definition;
use crate::manager_kind::{Manager, Scope};
use crate::options::{Hardening, Service};
use crate::places::Places;
use daemonize_core::Daemon;
use daemonize_core::settings::Capability;
use std::ffi::OsString;
use std::process::Command;

fn definition(daemon: &Daemon, hardening: Hardening) -> Definition {
    let arguments = ["run", "--port", "80"].map(OsString::from).to_vec();
    let mut definition = Definition::new(&daemon.settings(), "/usr/local/bin/myd", arguments);
    definition.reload_arguments = vec!["reload".into()];
    definition.options = Service::new().hardening(hardening);
    definition
}

fn server() -> Daemon {
    Daemon::new("myd").user("www-data").capabilities([Capability::NET_BIND_SERVICE])
}

fn unit_for(definition: &Definition, scope: Scope, version: Option<u32>) -> String {
    let places = Places::of_home("/home/me");
    files(definition, Manager::Systemd, scope, &places, version).unwrap()[0].content().to_owned()
}

fn unit(definition: &Definition) -> String {
    unit_for(definition, Scope::System, Some(252))
}

/// Returns the rating of a unit by `systemd-analyze security`, in tenths.
fn rating(definition: &Definition) -> u32 {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("myd.service");
    std::fs::write(&path, unit(definition)).unwrap();
    let output =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(&path).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A setting that systemd does not understand is a warning here.
    assert_eq!(errors, "", "{}", unit(definition));
    let rating = text.lines().find_map(|line| line.split_once("myd.service: ")).map(|(_, rating)| rating);
    let number = rating.and_then(|rating| rating.split_whitespace().next()).unwrap_or_else(|| panic!("{text}"));
    number.replace('.', "").parse().unwrap()
}

#[test]
fn strict_unit_is_rated_at_most_two_and_standard_one_is_better_than_none() {
    let [off, standard, strict] = [Hardening::Off, Hardening::Standard, Hardening::Strict]
        .map(|hardening| rating(&definition(&server(), hardening)));
    assert!(strict <= 20, "{strict}");
    assert!(standard <= 50 && standard > strict && off > standard, "{off} {standard} {strict}");
}

#[test]
fn restriction_that_breaks_this_library_or_compilers_is_only_in_strict_or_nowhere() {
    for hardening in [Hardening::Off, Hardening::Standard, Hardening::Strict] {
        let text = unit(&definition(&server(), hardening));
        assert!(!text.contains("ProcSubset=") && !text.contains("PrivateUsers=") && !text.contains("PrivateNetwork="));
        assert_eq!(text.contains("MemoryDenyWriteExecute=yes"), hardening == Hardening::Strict);
        assert!(text.contains("AmbientCapabilities=CAP_NET_BIND_SERVICE\n"));
        assert_eq!(text.contains("CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"), hardening != Hardening::Off);
    }
}

#[test]
fn reload_is_a_command_before_253_and_a_signal_since() {
    let definition = definition(&server(), Hardening::Standard);
    for (version, kind, has_command) in
        [(None, "notify", true), (Some(252), "notify", true), (Some(253), "notify-reload", false)]
    {
        let text = unit_for(&definition, Scope::System, version);
        assert!(text.contains(&format!("\nType={kind}\n")), "{version:?}");
        assert_eq!(text.contains("\nExecReload=/usr/local/bin/myd reload\n"), has_command, "{version:?}");
    }
}

#[test]
fn explicit_paths_stay_writable_and_visible() {
    let daemon = server().pidfile("/tmp/myd.pid").log("/home/www/logs/myd.log");
    let text = unit(&definition(&daemon, Hardening::Strict));
    assert!(text.contains("ReadWritePaths=-/tmp\n") && text.contains("ReadWritePaths=-/home/www/logs\n"), "{text}");
    assert!(!text.contains("PrivateTmp") && text.contains("ProtectHome=read-only"), "{text}");
    let daemon = server().pidfile("/run/other/myd.pid").log("/var/log/myd/myd.log");
    let text = unit(&definition(&daemon, Hardening::Strict));
    assert!(text.contains("RuntimeDirectory=myd other\n") && !text.contains("ReadWritePaths"), "{text}");
    assert!(text.contains("PrivateTmp=yes") && text.contains("ProtectHome=yes"), "{text}");
}

#[test]
fn unit_of_a_user_has_nothing_that_only_root_can_do() {
    let text = unit_for(&definition(&server(), Hardening::Strict), Scope::User, Some(252));
    for key in ["User=", "Capabilit", "Protect", "Private", "ReadWritePaths", "StateDirectory", "network-online"] {
        assert!(!text.contains(key), "{key}: {text}");
    }
    assert!(text.contains("WantedBy=default.target\n") && text.contains("NoNewPrivileges=yes\n"), "{text}");
}

#[test]
fn daemon_that_changes_its_root_is_started_as_root() {
    let daemon = server().chroot("/srv/jail");
    let text = unit(&definition(&daemon, Hardening::Strict));
    assert!(
        !text.contains("\nUser=") && !text.contains("CapabilityBoundingSet") && !text.contains("SystemCallFilter"),
        "{text}"
    );
}

#[test]
fn sockets_of_several_names_have_a_unit_each() {
    let mut definition = definition(&server(), Hardening::Off);
    definition.options = Service::new().socket("http=80").socket("http=[::1]:8080").socket("/run/a=b.sock");
    let files = files(&definition, Manager::Systemd, Scope::System, &Places::of_machine(), None).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.path().file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["myd.service", "myd-http.socket", "myd.socket"]);
    assert!(files[0].content().contains("Sockets=myd-http.socket\nSockets=myd.socket\n"));
    assert!(files[1].content().contains("ListenStream=80\nListenStream=[::1]:8080\nFileDescriptorName=http\n"));
    assert!(files[2].content().contains("ListenStream=/run/a=b.sock\nRemoveOnStop=yes\nService=myd.service\n"));
}

#[test]
fn description_is_one_line_without_specifiers() {
    let mut definition = definition(&server(), Hardening::Off);
    definition.description = "100 % of\nit\u{1b}[2J \\".into();
    assert!(unit(&definition).contains("\nDescription=100 %% of it [2J\nWants="), "{}", unit(&definition));
}
