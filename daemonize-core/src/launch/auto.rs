//! Whether to detach: not where somebody watches over this process already.

use super::monitor;
use crate::pid::Pid;
use crate::report;
use crate::settings::Detach;
use crate::sys::fds;
use crate::sys::paths::started_by_systemd;
use crate::sys::proc::name_of;
use crate::sys::trust::FileId;
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use nix::sys::stat::fstat;
use std::os::fd::AsRawFd;

/// Programs that keep what they start in the foreground: a child that forks away looks dead to them.
const WATCHERS: [&str; 23] = [
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
    super::init::NAME,
];

/// The name of a process is cut to this many bytes by the kernel.
const NAME_LIMIT: usize = 15;

/// Decides. With `auto`, says in one line on stderr why it does not detach, or that a monitor would take that for an end.
pub(crate) fn detaches(setting: Detach) -> bool {
    match setting {
        Detach::Always => true,
        Detach::Never => false,
        Detach::Auto => {
            if let Some(reason) = reason_against() {
                // Process 1 that detaches and ends would take the daemon with it.
                let way = if Pid::this().as_raw() == 1 { "" } else { " (`detach = always` detaches regardless)" };
                report::say(&format!("not detaching: {reason}{way}"));
                return false;
            }
            warn_of_monitor();
            true
        }
    }
}

/// Warns of a monitor that watches over the program that started this one. That program may be a script which goes on after
/// the start, so the daemon detaches; if it is a shell that only waits, the monitor takes its end for the daemon's.
fn warn_of_monitor() {
    if let Some(program) = monitor::watched_session() {
        report::say(&format!(
            "detaching from `{program}`, which a monitor watches over: when `{program}` ends, the monitor ends this daemon (write \
             `exec` before the program's name there, or set `detach = never`)"
        ));
    }
}

/// Returns `true` if another program watches over this process: an init, a supervisor, a super-server.
pub(super) fn is_watched() -> bool {
    reason_against().is_some()
}

fn reason_against() -> Option<String> {
    let me = Pid::this();
    if me.as_raw() == 1 {
        return Some("this is process 1".into());
    }
    if started_by_systemd() {
        return Some("systemd started this process".into());
    }
    let parent = Pid::from_raw(nix::unistd::getppid().as_raw());
    if let Some(watcher) = parent.and_then(|parent| name_of(parent).ok()).filter(|name| is_watcher(name)) {
        return Some(format!("`{watcher}` watches over this process"));
    }
    if monitor::is_parent() {
        return Some("a monitor watches over this process".into());
    }
    serves_a_socket().then(|| "stdin and stdout are one network socket".into())
}

fn is_watcher(name: &str) -> bool {
    WATCHERS.iter().any(|watcher| watcher.get(..NAME_LIMIT).unwrap_or(watcher) == name)
}

/// Under a super-server stdin and stdout are the same connection; a Unix socket there is only Node.
fn serves_a_socket() -> bool {
    let same = match (fstat(fds::stdin()), fstat(fds::stdout())) {
        (Ok(input), Ok(output)) => FileId::of(&input) == FileId::of(&output),
        _ => false,
    };
    let family = || getsockname::<SockaddrStorage>(fds::stdin().as_raw_fd()).ok().and_then(|address| address.family());
    same && matches!(family(), Some(AddressFamily::Inet | AddressFamily::Inet6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_is_known_by_its_cut_name() {
        assert!(is_watcher("systemd") && is_watcher("supervise-daemo") && is_watcher("process-compose"));
        assert!(!is_watcher("bash") && !is_watcher("sys"));
    }
}
