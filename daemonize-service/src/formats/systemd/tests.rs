use super::*;
use crate::manager_kind::Manager;
use crate::options::{Hardening, Service};
use crate::places::Places;
use daemonize_core::Daemon;
use daemonize_core::settings::Capability;
use std::process::Command;

fn definition() -> Definition {
    let daemon = Daemon::new("myd").user("www-data").capabilities([Capability::NET_BIND_SERVICE]);
    let arguments = ["run", "--port", "80"].map(Into::into).to_vec();
    let mut definition = Definition::new(&daemon.settings(), "/usr/local/bin/myd", arguments);
    definition.reload_arguments = vec!["reload".into()];
    definition
}

#[test]
fn strict_unit_is_rated_at_most_two() {
    let mut definition = definition();
    definition.options = Service::new().hardening(Hardening::Strict);
    let file = crate::formats::files(&definition, Manager::Systemd, Scope::System, &Places::of_machine(), Some(252))
        .unwrap()
        .remove(0);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("myd.service");
    std::fs::write(&path, file.content()).unwrap();
    let output =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(&path).output().unwrap();
    println!("{}{}", file.content(), String::from_utf8_lossy(&output.stdout));
    println!("{}", String::from_utf8_lossy(&output.stderr));
    panic!();
}
