//! Telling a service manager what the daemon is at (`sd_notify(3)`), and a watchdog that it lives.
//!
//! Nothing is sent unless the manager asks for it in the environment of the process that it started, and nothing that
//! a manager does or fails to do can keep the daemon from its work: a message that nobody takes is lost.

mod relay;

pub(crate) use relay::Relay;

use crate::attach::{Attachment, Handle, Phase};
use crate::error::cause;
use crate::mutex::{lock, wait_timeout};
use crate::pid::Pid;
use crate::report;
use crate::stopping;
use crate::sys::paths::started_by_systemd;
use crate::thread::spawn;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::time::{ClockId, clock_gettime};
use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

/// Says where messages go.
const SOCKET: &str = "NOTIFY_SOCKET";
/// How long the watchdog waits, in microseconds, and for which process.
const WATCHDOG: [&str; 2] = ["WATCHDOG_USEC", "WATCHDOG_PID"];
/// How many descriptors were handed over, to which process, and their names (`sd_listen_fds(3)`).
const LISTEN: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// The first descriptor that is handed over.
const FIRST: RawFd = 3;

/// A manager that does not read its socket is not waited for any longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the environment says, which means this process alone and none that it starts.
pub(crate) fn variables() -> impl Iterator<Item = &'static str> {
    [SOCKET].into_iter().chain(WATCHDOG).chain(LISTEN)
}

/// What a service manager said to this process in its environment, which is read once: before a daemon's children
/// could inherit it, it is forgotten.
#[derive(Debug)]
pub(crate) struct Told {
    /// Whether systemd has started this very process; the other variables are inherited by whole sessions.
    pub(crate) started_by_systemd: bool,
    /// Descriptors that were handed over to this process, in order, by name; many have the name `unknown`.
    pub(crate) handed_over: Vec<(String, RawFd)>,
    manager: Option<Manager>,
}

impl Told {
    /// What was said; `leaked` are the descriptors that came through exec, as only those can have been handed over.
    pub(crate) fn to_this_process(leaked: &[RawFd]) -> &'static Told {
        static TOLD: OnceLock<Told> = OnceLock::new();
        TOLD.get_or_init(|| Told {
            started_by_systemd: started_by_systemd(),
            handed_over: handed_over().into_iter().filter(|(_, fd)| leaked.contains(fd)).collect(),
            manager: Manager::that_listens(),
        })
    }

    /// Who wants to hear of this process. One that forks away from its manager speaks only to systemd, which says that it
    /// means this very process: the others' messages would be taken for those of the service it was started in.
    pub(crate) fn manager(&self, forks: bool) -> Option<&Manager> {
        self.manager.as_ref().filter(|_| !forks || self.started_by_systemd)
    }
}

/// The service manager that started this process, as far as it wants to hear of it.
#[derive(Clone, Debug)]
pub(crate) struct Manager {
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Manager {
    fn that_listens() -> Option<Manager> {
        let address = address(&env::var_os(SOCKET)?)?;
        let watchdog = is_this_process(WATCHDOG[1]).unwrap_or(true).then(|| number(WATCHDOG[0])).flatten();
        let watchdog = watchdog.filter(|time| *time > 0).map(Duration::from_micros);
        Some(Manager { address, watchdog })
    }

    /// Whether a watchdog wants to be fed; it ends whom it takes for hung with SIGABRT.
    pub(crate) fn watches(&self) -> bool {
        self.watchdog.is_some()
    }

    /// Connects, while the socket can still be seen: a change of root may hide it. `None` where nobody listens.
    pub(crate) fn connect(&self) -> Option<Notifier> {
        let connect = || -> io::Result<UnixDatagram> {
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&self.address)?;
            socket.set_write_timeout(Some(PATIENCE))?;
            Ok(socket)
        };
        let socket = connect().inspect_err(|error| log::warn!("failed to connect to `{SOCKET}`: {error}")).ok()?;
        Some(self.connect_through(socket))
    }

    /// Reaches the manager by a socket that leads to it.
    pub(crate) fn connect_through(&self, socket: UnixDatagram) -> Notifier {
        let link = Arc::new(Link { socket, over: Mutex::new(false), end: Condvar::new() });
        Notifier { link, watchdog: self.watchdog }
    }
}

/// A path, or `@` and a name; anything else is none of the kinds there are.
fn address(value: &OsStr) -> Option<SocketAddr> {
    match value.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        [b'/', ..] => SocketAddr::from_pathname(Path::new(value)).ok(),
        _ => None,
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Whether the variable names this process; `None` where it is not set.
fn is_this_process(variable: &str) -> Option<bool> {
    env::var(variable).ok().map(|value| value == format!("{}", Pid::this()))
}

fn handed_over() -> Vec<(String, RawFd)> {
    if is_this_process(LISTEN[1]) != Some(true) {
        return Vec::new();
    }
    let count = usize::try_from(number(LISTEN[0]).unwrap_or(0).min(4096)).unwrap_or(0);
    let names = env::var(LISTEN[2]).unwrap_or_default();
    let mut names = names.split(':');
    let mut handed_over = Vec::new();
    for fd in (FIRST..).take(count) {
        let name = names.next().filter(|name| !name.is_empty()).unwrap_or("unknown");
        handed_over.push((name.to_owned(), fd));
    }
    handed_over
}

/// The way to the service manager.
#[derive(Debug)]
pub(crate) struct Notifier {
    link: Arc<Link>,
    watchdog: Option<Duration>,
}

#[derive(Debug)]
struct Link {
    socket: UnixDatagram,
    over: Mutex<bool>,
    end: Condvar,
}

impl Notifier {
    /// Says which process the service is from now on. Only who was it before is sure to be believed.
    pub(crate) fn introduce(&self, daemon: Pid) {
        self.link.send(&format!("MAINPID={daemon}\n"));
    }

    /// Asks the manager to wait so long from now on.
    pub(crate) fn extend(&self, time: Duration) {
        self.link.send(&format!("EXTEND_TIMEOUT_USEC={}\n", time.as_micros()));
    }

    /// Has the manager keep a copy of a descriptor, and hand it over under this name to the process that it starts next.
    pub(crate) fn store(&self, name: &str, fd: BorrowedFd<'_>) -> io::Result<()> {
        let text = format!("FDSTORE=1\nFDNAME={name}\n");
        let (text, fds) = ([IoSlice::new(text.as_bytes())], [fd.as_raw_fd()]);
        let rights = [ControlMessage::ScmRights(&fds)];
        uninterrupted(|| {
            sendmsg::<()>(self.as_fd().as_raw_fd(), &text, &rights, MsgFlags::MSG_NOSIGNAL, None)?;
            Ok(())
        })
    }
}

impl AsFd for Notifier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.socket.as_fd()
    }
}

impl Link {
    /// One that is lost is told of: a manager that waits for it in vain will end the daemon.
    fn send(&self, text: &str) {
        if let Err(error) = self.try_send(text) {
            report::error(&format!("failed to tell the service manager `{}`: {}", text.trim_end(), cause(&error)));
        }
    }

    fn try_send(&self, text: &str) -> io::Result<()> {
        uninterrupted(|| self.socket.send(text.as_bytes()).map(drop))
    }

    /// At half the interval, and only while the body lives.
    fn feed(&self, interval: Duration) {
        let mut over = lock(&self.over);
        while !*over {
            over = wait_timeout(&self.end, over, interval / 2);
            if !*over && stopping::lives() {
                // The next one is on its way.
                let _ = self.try_send("WATCHDOG=1\n");
            }
        }
    }
}

impl Attachment for Notifier {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        if let Some(interval) = self.watchdog {
            stopping::watch(interval);
            let link = Arc::clone(&self.link);
            spawn("daemon-watchdog", move || link.feed(interval))?;
        }
        Ok(())
    }

    fn phase(&self, phase: Phase) {
        match phase {
            Phase::Ready => self.link.send("READY=1\n"),
            Phase::Reloading => {
                self.link.send(&format!("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic().as_micros()));
            }
            Phase::Stopping => self.link.send("STOPPING=1\n"),
        }
    }

    fn end(&self) {
        *lock(&self.link.over) = true;
        self.link.end.notify_all();
    }
}

/// With a time limit on the socket, a signal interrupts what would otherwise go on by itself.
fn uninterrupted<T>(mut send: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match send() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// `clock_gettime(2)`, `CLOCK_MONOTONIC`.
fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_or_an_abstract_name() {
        let parse = |text: &str| address(OsStr::new(text));
        assert_eq!(parse("/run/notify").unwrap().as_pathname(), Some(Path::new("/run/notify")));
        assert_eq!(parse("@name").unwrap().as_abstract_name(), Some(&b"name"[..]));
        assert!(parse("").is_none() && parse("relative/path").is_none() && parse("vsock:2:1").is_none());
    }
}
