//! Reads the environment variables of a service manager: its notify socket, its watchdog, and the passed descriptors.

use super::notifier::{NOTIFY_SOCKET, Notifier, connect};
use crate::pid::Pid;
use crate::sys::paths::started_by_systemd;
use std::env;
use std::ffi::OsStr;
use std::os::fd::RawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// The interval of the watchdog in microseconds, and the pid of the process that it watches (`sd_watchdog_enabled(3)`).
const WATCHDOG: [&str; 2] = ["WATCHDOG_USEC", "WATCHDOG_PID"];
/// The number of passed descriptors, the pid of the process that they are for, and their names (`sd_listen_fds(3)`).
const LISTEN: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// The first passed descriptor (`SD_LISTEN_FDS_START`).
const LISTEN_FDS_START: RawFd = 3;
/// More passed descriptors than this are ignored.
const MAX_LISTEN_FDS: u64 = 4096;

/// Returns the variables that are meant for this process alone, and must not reach the processes that it starts.
pub(crate) fn environment_variables() -> impl Iterator<Item = &'static str> {
    [NOTIFY_SOCKET].into_iter().chain(WATCHDOG).chain(LISTEN)
}

/// The variables of a service manager. They are read once, and then removed, before a child of the daemon could inherit them.
#[derive(Debug)]
pub(crate) struct ServiceEnvironment {
    /// `true` if systemd has started this very process. Whole sessions inherit the other variables.
    pub(crate) started_by_systemd: bool,
    /// The descriptors passed to this process, in order, with their names; the default name is `unknown`.
    pub(crate) listen_fds: Vec<(String, RawFd)>,
    manager: Option<ServiceManager>,
}

impl ServiceEnvironment {
    /// Returns the variables as they were at the first call. Only descriptors among `inherited`, which came through
    /// `execve(2)`, can have been passed by the manager.
    pub(crate) fn read(inherited: &[RawFd]) -> &'static ServiceEnvironment {
        static ENVIRONMENT: OnceLock<ServiceEnvironment> = OnceLock::new();
        ENVIRONMENT.get_or_init(|| ServiceEnvironment {
            started_by_systemd: started_by_systemd(),
            listen_fds: read_listen_fds().into_iter().filter(|(_, fd)| inherited.contains(fd)).collect(),
            manager: ServiceManager::from_environment(),
        })
    }

    /// Returns the manager that expects notifications of this process. A process that forks away from its manager notifies
    /// systemd alone, which names the process that it means: any other manager would take the messages for those of the
    /// service that started this process.
    pub(crate) fn manager(&self, forks: bool) -> Option<&ServiceManager> {
        self.manager.as_ref().filter(|_| !forks || self.started_by_systemd)
    }
}

/// The service manager that expects notifications of this process.
#[derive(Clone, Debug)]
pub(crate) struct ServiceManager {
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    fn from_environment() -> Option<ServiceManager> {
        let address = parse_address(&env::var_os(NOTIFY_SOCKET)?)?;
        let mut watchdog = None;
        if names_this_process(WATCHDOG[1]).unwrap_or(true) {
            watchdog = read_number(WATCHDOG[0]).filter(|time| *time > 0).map(Duration::from_micros);
        }
        Some(ServiceManager { address, watchdog })
    }

    /// Returns `true` if the manager runs a watchdog, which sends SIGABRT to a process that seems to hang.
    pub(crate) fn has_watchdog(&self) -> bool {
        self.watchdog.is_some()
    }

    /// Connects to the manager's socket. To be called before a change of root hides the socket. Returns `None`, and logs a
    /// warning, if the connection fails.
    pub(crate) fn connect(&self) -> Option<Notifier> {
        let socket = connect(&self.address);
        let socket = socket.inspect_err(|error| log::warn!("failed to connect to `{NOTIFY_SOCKET}`: {error}")).ok()?;
        Some(self.connect_through(socket))
    }

    /// Returns a notifier that sends to the manager through `socket`, which is connected.
    pub(crate) fn connect_through(&self, socket: UnixDatagram) -> Notifier {
        Notifier::new(socket, self.watchdog)
    }
}

/// Parses a path or `@` and an abstract name. Returns `None` for any other kind of address.
fn parse_address(value: &OsStr) -> Option<SocketAddr> {
    match value.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        [b'/', ..] => SocketAddr::from_pathname(Path::new(value)).ok(),
        _ => None,
    }
}

fn read_number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Returns `true` if the variable holds the pid of this process; `None` if it is not set.
fn names_this_process(variable: &str) -> Option<bool> {
    env::var(variable).ok().map(|value| value == format!("{}", Pid::this()))
}

fn read_listen_fds() -> Vec<(String, RawFd)> {
    if names_this_process(LISTEN[1]) != Some(true) {
        return Vec::new();
    }
    let count = read_number(LISTEN[0]).unwrap_or(0).min(MAX_LISTEN_FDS);
    let count = usize::try_from(count).unwrap_or(0);
    let names = env::var(LISTEN[2]).unwrap_or_default();
    let mut names = names.split(':');
    let mut listen_fds = Vec::new();
    for fd in (LISTEN_FDS_START..).take(count) {
        let name = names.next().filter(|name| !name.is_empty()).unwrap_or("unknown");
        listen_fds.push((name.to_owned(), fd));
    }
    listen_fds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_a_path_or_an_abstract_name() {
        let parse = |text: &str| parse_address(OsStr::new(text));
        assert_eq!(parse("/run/notify").unwrap().as_pathname(), Some(Path::new("/run/notify")));
        assert_eq!(parse("@name").unwrap().as_abstract_name(), Some(&b"name"[..]));
        assert!(parse("").is_none() && parse("relative/path").is_none() && parse("vsock:2:1").is_none());
    }
}
