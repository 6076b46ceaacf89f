//! The service that a cgroup names (`cgroups(7)`, `sd_pid_get_unit(3)`).
//!
//! The name is a candidate alone: a user can give a delegated cgroup any name. The manager that owns the cgroup decides.

use daemonize_sys::pid::Pid;
use std::fs::File;
use std::io::Read;

/// The most bytes of `/proc/PID/cgroup` that are read.
const MAX_SIZE: u64 = 64 * 1024;

/// A unit that a cgroup names, and the user whose manager it is asked of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnitCandidate {
    pub(super) unit: String,
    /// The user, if the cgroup is below that of a user's service manager.
    pub(super) user: Option<u32>,
    /// The path of the unit's own cgroup, from the root of the hierarchy.
    pub(super) path: String,
}

/// Returns the unit whose cgroup a process is in.
pub(super) fn unit_of(pid: Pid) -> Option<UnitCandidate> {
    let mut text = Vec::new();
    File::open(format!("/proc/{pid}/cgroup")).ok()?.take(MAX_SIZE).read_to_end(&mut text).ok()?;
    systemd_path(&String::from_utf8_lossy(&text)).and_then(candidate)
}

/// Returns the path in the hierarchy that systemd uses: the unified one, or its own of cgroup version 1.
fn systemd_path(text: &str) -> Option<&str> {
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    let named = text.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path));
    unified.filter(|path| *path != "/").or(named)
}

/// Returns the first service on a path, or the first below the manager of a user.
fn candidate(path: &str) -> Option<UnitCandidate> {
    let mut user = None;
    let mut end = 0;
    for part in path.strip_prefix('/')?.split('/') {
        end += 1 + part.len();
        // systemd escapes a name that the kernel could take for a file of its own, by an underscore.
        let name = part.strip_prefix('_').unwrap_or(part);
        if part == ".." || name.is_empty() {
            return None;
        }
        match name.strip_prefix("user@").and_then(|rest| rest.strip_suffix(".service")) {
            Some(uid) if user.is_none() => user = Some(uid.parse().ok()?),
            _ if name.strip_suffix(".service").is_some() => {
                return Some(UnitCandidate { unit: name.to_owned(), user, path: path[..end].to_owned() });
            }
            _ if name.strip_suffix(".slice").is_some() => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidate_is_the_first_service_on_the_path() {
        for (path, unit, user, end) in [
            ("/system.slice/web.service", "web.service", None, ""),
            ("/system.slice/web.service/.control", "web.service", None, "/.control"),
            (
                "/system.slice/system-web.slice/web@blue.service/a/sshd.service",
                "web@blue.service",
                None,
                "/a/sshd.service",
            ),
            ("/user.slice/user-7.slice/user@7.service/app.slice/web.service", "web.service", Some(7), ""),
            ("/user.slice/user-7.slice/user@7.service/app.slice/user@0.service", "user@0.service", Some(7), ""),
            ("/system.slice/_cpu.service", "cpu.service", None, ""),
        ] {
            let expected =
                UnitCandidate { unit: unit.to_owned(), user, path: path.strip_suffix(end).unwrap().to_owned() };
            assert_eq!(candidate(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn candidate_of_another_path_is_none() {
        for path in [
            "/",
            "",
            "/init.scope",
            "/user.slice/user-0.slice/session-4.scope",
            "/user.slice/user-7.slice/user@7.service/init.scope",
            "/user.slice/user-7.slice/session-4.scope/web.service",
            "/docker/4711/web.service",
            "/../web.service",
            "/user.slice/user@x.service/web.service",
            "/system.slice//web.service",
        ] {
            assert_eq!(candidate(path), None, "{path}");
        }
    }

    #[test]
    fn path_is_the_unified_one_unless_only_the_other_has_units() {
        assert_eq!(systemd_path("5:cpu:/\n1:name=systemd:/a\n0::/b\n"), Some("/b"));
        assert_eq!(systemd_path("5:cpu:/\n1:name=systemd:/a\n0::/\n"), Some("/a"));
        assert_eq!(systemd_path("1:name=systemd:/\n0::/\n"), Some("/"));
        assert_eq!(systemd_path("5:cpu:/\n"), None);
    }
}
