//! Decides whether to detach: not in a process that a service manager or another supervisor runs.

use super::container;
use super::monitor_env;
use crate::pid::Pid;
use crate::report;
use crate::self_restart::RestartedFrom;
use crate::settings::{Detach, Settings};
use crate::stage::Stage;
use crate::sys::fds;
use crate::sys::paths::started_by_systemd;
use crate::sys::proc::name_of;
use crate::sys::trust::FileId;
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use nix::sys::stat::fstat;
use std::os::fd::AsRawFd;

/// Supervisors that run their children in the foreground: if a child forks and exits, they take it for dead.
const SUPERVISORS: [&str; 23] = [
    "systemd",
    "init",
    "tini",
    "tini-static",
    "docker-init",
    "dumb-init",
    "catatonit",
    "conmon",
    "runsv",
    "runit",
    "s6-supervise",
    "s6-svscan",
    "supervise",
    "supervise-daemo",
    "supervisord",
    "circusd",
    "perpd",
    "nosh",
    "horust",
    "process-compose",
    "dinit",
    "daemonctl",
    container::INIT_NAME,
];

/// The kernel truncates the name of a process to this many bytes (`TASK_COMM_LEN`, see `proc(5)`).
const NAME_LIMIT: usize = 15;

/// Returns `true` if the daemon detaches. With `detach = auto`, reports on stderr why it does not, or that a monitor would mistake
/// the launcher's exit for the daemon's end.
pub(super) fn should_detach(settings: &Settings, restarted_from: Option<&RestartedFrom>) -> bool {
    if settings.hooks.replaces(Stage::Detach) {
        return false;
    }
    match (settings.detach, restarted_from) {
        (Detach::Always, _) => true,
        (Detach::Never, _) => false,
        // A restarted program has the old daemon as its parent, so its own environment does not show whether that detached.
        (Detach::Auto, Some(daemon)) => daemon.detached,
        (Detach::Auto, None) => decide_by_environment(),
    }
}

fn decide_by_environment() -> bool {
    if let Some(reason) = reason_to_stay() {
        // Detaching from process 1 is refused: the end of process 1 kills the daemon (pid_namespaces(7)).
        let way = if Pid::this().as_raw() == 1 { "" } else { " (`detach = always` detaches regardless)" };
        report::print(&format!("not detaching: {reason}{way}"));
        return false;
    }
    warn_of_monitor();
    true
}

/// Warns if a monitor supervises the program that started this one. The daemon still detaches, because that program may be a script
/// that goes on after the start. If it is a shell that only waits, the monitor mistakes its end for the daemon's.
fn warn_of_monitor() {
    if let Some(program) = monitor_env::supervised_session() {
        report::print(&format!(
            "detaching from `{program}`, which a monitor supervises: when `{program}` ends, the monitor ends this daemon (write \
             `exec` before the program's name there, or set `detach = never`)"
        ));
    }
}

/// Returns `true` if another program runs this process in the foreground: an init, a supervisor, a super-server.
pub(super) fn is_supervised() -> bool {
    reason_to_stay().is_some()
}

fn reason_to_stay() -> Option<String> {
    if Pid::this().as_raw() == 1 {
        return Some("this is process 1".into());
    }
    if started_by_systemd() {
        return Some("systemd started this process".into());
    }
    if let Some(supervisor) = parent_name().filter(|name| is_supervisor(name)) {
        return Some(format!("`{supervisor}` supervises this process"));
    }
    if monitor_env::is_parent() {
        return Some("a monitor supervises this process".into());
    }
    if has_network_stdio() {
        return Some("stdin and stdout are one network socket".into());
    }
    None
}

fn parent_name() -> Option<String> {
    name_of(Pid::from_raw(nix::unistd::getppid().as_raw())?).ok()
}

fn is_supervisor(name: &str) -> bool {
    SUPERVISORS.iter().any(|supervisor| supervisor.get(..NAME_LIMIT).unwrap_or(supervisor) == name)
}

/// Returns `true` if stdin and stdout are the same network socket, as under a super-server (`inetd(8)`). Unix sockets do not count:
/// Node.js connects the standard streams of its children with them.
fn has_network_stdio() -> bool {
    let is_same = match (fstat(fds::stdin()), fstat(fds::stdout())) {
        (Ok(stdin), Ok(stdout)) => FileId::of(&stdin) == FileId::of(&stdout),
        _ => false,
    };
    if !is_same {
        return false;
    }
    let Ok(address) = getsockname::<SockaddrStorage>(fds::stdin().as_raw_fd()) else { return false };
    matches!(address.family(), Some(AddressFamily::Inet | AddressFamily::Inet6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supervisor_is_known_by_its_truncated_name() {
        assert!(is_supervisor("systemd") && is_supervisor("supervise-daemo") && is_supervisor("process-compose"));
        assert!(!is_supervisor("bash") && !is_supervisor("sys"));
    }
}
