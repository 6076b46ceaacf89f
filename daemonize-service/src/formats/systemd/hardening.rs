//! The restrictions of a unit (`systemd.exec(5)`, section "Sandboxing").
//!
//! Never `ProcSubset=pid`: the identity of a process needs `/proc/sys/kernel/random/boot_id`. Never `PrivateUsers=`: in another user namespace
//! capabilities are void, and the `reload` of the unit could not look at its daemon.

use super::unit_text::{UnitText, directory_in_run};
use crate::definition::Definition;
use crate::manager_kind::Scope;
use crate::options::Hardening;
use crate::quote::systemd as quote;
use std::path::{Path, PathBuf};

/// Restrictions by system call filter, which a manager of a user can set, too.
const SECCOMP: &[&str] = &["NoNewPrivileges", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality"];

/// Restrictions that only a manager of the machine can set, and that ordinary servers do not notice.
const MACHINE: &[&str] = &["ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "ProtectClock"];

/// Restrictions beyond [`MACHINE`].
const STRICT_MACHINE: &[&str] = &["PrivateDevices", "ProtectHostname", "ProtectKernelLogs"];

/// Sets the restrictions of the service's options.
pub(super) fn harden(unit: &mut UnitText, definition: &Definition, scope: Scope) {
    let hardening = definition.options.hardening;
    let writable = writable_directories(definition);
    if hardening != Hardening::Off {
        let is_strict = hardening == Hardening::Strict;
        if definition.starts_as_root {
            // The program changes root directory and user itself: no restriction may take that away.
            unit.set("NoNewPrivileges", "yes");
        } else {
            restrict_calls(unit, is_strict);
        }
        if scope == Scope::System {
            protect_machine(unit, definition, &writable, is_strict);
        }
    }
    let limits_writes = hardening != Hardening::Off && scope == Scope::System;
    for directory in writable.iter().filter(|_| limits_writes) {
        // With `-`, a missing directory is reported by the program, with its setting, and not by systemd.
        unit.set("ReadWritePaths", quote::word(&format!("-{}", directory.display())));
    }
}

/// Restricts system calls.
fn restrict_calls(unit: &mut UnitText, is_strict: bool) {
    unit.enable(SECCOMP);
    unit.set("SystemCallArchitectures", "native");
    unit.set("RestrictNamespaces", "yes");
    if !is_strict {
        unit.set("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK");
        return;
    }
    unit.set("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6");
    // Breaks programs that compile while they run.
    unit.set("MemoryDenyWriteExecute", "yes");
    unit.set("SystemCallFilter", "@system-service");
    unit.set("SystemCallFilter", "~@privileged @resources");
    // An endpoint with a group gives it its files: that needs the call, but no capability.
    unit.set("SystemCallFilter", "@chown");
    // An error instead of a death by SIGSYS: libraries try calls that they can do without.
    unit.set("SystemCallErrorNumber", "EPERM");
    unit.set("UMask", "0077");
}

/// Restricts the view of the machine.
fn protect_machine(unit: &mut UnitText, definition: &Definition, writable: &[PathBuf], is_strict: bool) {
    unit.enable(MACHINE);
    // A private /tmp would hide the pidfile from `status` and `stop` in a shell.
    if !writable.iter().any(|path| path.starts_with("/tmp") || path.starts_with("/var/tmp")) {
        unit.set("PrivateTmp", "yes");
    }
    let uses_home = writable.iter().chain([&definition.program]).any(|path| is_in_home(path))
        || definition.options.environment_file.as_deref().is_some_and(is_in_home);
    match (is_strict, uses_home) {
        (true, false) => unit.set("ProtectHome", "yes"),
        _ => unit.set("ProtectHome", "read-only"),
    }
    unit.set("ProtectSystem", if is_strict { "strict" } else { "full" });
    if is_strict {
        unit.enable(STRICT_MACHINE);
        unit.set("ProtectProc", "invisible");
    }
    let limits_capabilities = definition.manager_changes_user() || is_strict && !definition.starts_as_root;
    if limits_capabilities {
        let names = definition.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        unit.set("CapabilityBoundingSet", names);
    }
}

/// Returns the directories of explicit pidfiles and logs, which a restricted program must be able to write.
fn writable_directories(definition: &Definition) -> Vec<PathBuf> {
    let name = Path::new(&definition.name);
    let is_made = |file: &Path| {
        let directory = file.parent();
        directory_in_run(file).is_some() || directory == Some(&Path::new("/var/log").join(name))
    };
    let files = [&definition.pidfile, &definition.log].into_iter().flatten().filter(|file| !is_made(file));
    let mut directories: Vec<PathBuf> = files.filter_map(|file| file.parent()).map(Path::to_owned).collect();
    directories.dedup();
    directories
}

fn is_in_home(path: &Path) -> bool {
    ["/home", "/root", "/run/user"].iter().any(|home| path.starts_with(home))
}
