//! The unit of the service itself.

use super::hardening::harden;
use super::unit_text::{UnitText, directory_in_run};
use crate::definition::Definition;
use crate::manager_kind::Scope;
use crate::options::RestartPolicy;
use crate::quote::systemd as quote;
use std::ffi::OsString;
use std::time::Duration;

/// The first version with `Type=notify-reload`. Older ones take an unknown type for `simple`.
const NOTIFY_RELOAD_VERSION: u32 = 253;

/// How much longer than the program itself systemd waits for a start, so that the program reports what it waited for.
const START_MARGIN: Duration = Duration::from_secs(5);

/// The pause before a restart. Longer than two seconds, the default limit of five starts in ten seconds is never reached.
const RESTART_PAUSE: Duration = Duration::from_secs(2);

/// Returns the content of the unit. `sockets` are the names of the units of its sockets.
pub(super) fn unit(definition: &Definition, scope: Scope, systemd_version: Option<u32>, sockets: &[&str]) -> String {
    let mut unit = UnitText::default();
    unit.section("Unit");
    unit.set("Description", quote::value(&definition.one_line_description()));
    if scope == Scope::System {
        // A manager of a user does not know the targets of the machine.
        unit.set("Wants", "network-online.target");
        unit.set("After", "network-online.target");
    }
    unit.section("Service");
    set_command(&mut unit, definition, systemd_version);
    set_limits(&mut unit, definition);
    for socket in sockets {
        unit.set("Sockets", socket);
    }
    if scope == Scope::System {
        set_identity(&mut unit, definition);
    }
    set_directories(&mut unit, definition, scope);
    harden(&mut unit, definition, scope);
    unit.section("Install");
    unit.set("WantedBy", if scope == Scope::System { "multi-user.target" } else { "default.target" });
    if !sockets.is_empty() {
        unit.set("Also", sockets.join(" "));
    }
    unit.0
}

fn set_command(unit: &mut UnitText, definition: &Definition, systemd_version: Option<u32>) {
    let reloads_by_signal = systemd_version.is_some_and(|version| version >= NOTIFY_RELOAD_VERSION);
    unit.set("Type", if reloads_by_signal { "notify-reload" } else { "notify" });
    unit.set("ExecStart", command_line(definition, &definition.run_arguments));
    if !reloads_by_signal {
        // The program's own verb waits for the end of the reload, and fails with its reason. It needs a pidfile; a signal returns at once.
        match &definition.reload_arguments[..] {
            [] => unit.set("ExecReload", "kill -HUP $MAINPID"),
            arguments => unit.set("ExecReload", command_line(definition, arguments)),
        }
    }
    // SIGTERM for the main process alone: it stops its children, as its body says. SIGKILL for all that is left afterwards.
    unit.set("KillMode", "mixed");
}

fn command_line(definition: &Definition, arguments: &[OsString]) -> String {
    let mut line = quote::program(&definition.program.to_string_lossy());
    for argument in arguments {
        line.push(' ');
        line.push_str(&quote::argument(&argument.to_string_lossy()));
    }
    line
}

fn set_limits(unit: &mut UnitText, definition: &Definition) {
    unit.set("TimeoutStartSec", seconds(definition.start_timeout.saturating_add(START_MARGIN)));
    unit.set("TimeoutStopSec", seconds(definition.stop_timeout));
    if let Some(interval) = definition.options.watchdog {
        unit.set("WatchdogSec", seconds(interval));
    }
    let policy = match definition.options.restart {
        RestartPolicy::Never => "no",
        RestartPolicy::OnFailure => "on-failure",
        RestartPolicy::Always => "always",
    };
    unit.set("Restart", policy);
    if definition.options.restart != RestartPolicy::Never {
        unit.set("RestartSec", seconds(RESTART_PAUSE));
    }
}

/// Returns a time span of `systemd.time(7)`, which is never zero: that would mean no limit.
fn seconds(time: Duration) -> String {
    match u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1) {
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

fn set_identity(unit: &mut UnitText, definition: &Definition) {
    if !definition.manager_changes_user() {
        return;
    }
    if let Some(user) = &definition.user {
        unit.set("User", user);
    }
    if let Some(group) = &definition.group {
        unit.set("Group", group);
    }
    let names = definition.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if !names.is_empty() {
        unit.set("AmbientCapabilities", &names);
    }
}

/// Sets the directories. The one below `/run` is where the default pidfile and the endpoint are.
fn set_directories(unit: &mut UnitText, definition: &Definition, scope: Scope) {
    let name = &definition.name;
    let directories = match definition.pidfile.as_deref().and_then(directory_in_run) {
        Some(other) if other != *name => format!("{name} {}", quote::word(&other)),
        _ => name.clone(),
    };
    unit.set("RuntimeDirectory", directories);
    if scope == Scope::System {
        // A manager of a user would put them below `~/.config` before systemd 254; the home is writable anyway.
        unit.set("StateDirectory", name);
        unit.set("LogsDirectory", name);
    }
    if let Some(file) = &definition.options.environment_file {
        // No quotes: the whole line is the path (systemd.exec(5)).
        unit.set("EnvironmentFile", quote::value(&file.to_string_lossy()));
    }
}
