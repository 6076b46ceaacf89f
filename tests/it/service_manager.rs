//! A service manager as the tests simulate it: the socket of `NOTIFY_SOCKET`.

use crate::common::EVENT_TIMEOUT;
use look::{Lab, Running};
use nix::time::{ClockId, clock_gettime};
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The receiving side of `sd_notify(3)`.
pub(crate) struct ServiceManager {
    socket: UnixDatagram,
    /// The value of `NOTIFY_SOCKET`.
    pub(crate) address: String,
}

impl ServiceManager {
    pub(crate) fn at_path(lab: &Lab) -> Self {
        let path = lab.path("notify");
        let socket = UnixDatagram::bind(&path).expect("a new name in a directory of ours");
        Self { socket, address: path.display().to_string() }
    }

    pub(crate) fn with_abstract_name() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("daemonic-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        Self { socket: UnixDatagram::bind_addr(&address).expect("a name of ours"), address: format!("@{name}") }
    }

    /// Fills the queue, so that later messages cannot be sent. One sender cannot always fill it: it has a limit of its
    /// own.
    pub(crate) fn with_full_queue(self) -> Self {
        while self.fill() > 0 {}
        self
    }

    /// Sends messages from a new socket until none fits, and returns their number.
    fn fill(&self) -> usize {
        let sender = UnixDatagram::unbound().expect("a socket");
        sender.set_nonblocking(true).expect("a socket");
        std::iter::repeat_with(|| sender.send_to(b"full", &self.address)).take_while(Result::is_ok).count()
    }

    pub(crate) fn foreground<'lab>(&self, lab: &'lab Lab, settings: &[&str]) -> Running<'lab> {
        spawn(lab, &self.address, settings, &[])
    }

    /// Returns the next message, if one arrives in time.
    pub(crate) fn recv(&self, within: Duration) -> Option<String> {
        self.socket.set_nonblocking(within.is_zero()).expect("a socket");
        self.socket.set_read_timeout(Some(within).filter(|time| !time.is_zero())).expect("a socket");
        let mut words = [0; 4096];
        match self.socket.recv(&mut words) {
            Ok(length) => Some(String::from_utf8_lossy(&words[..length]).into_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("failed to listen: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn receives(&self, words: &str) {
        assert_eq!(self.recv(EVENT_TIMEOUT).as_deref(), Some(words));
    }
}

/// Starts a daemon in the foreground, as a service manager at this address would.
pub(crate) fn spawn<'lab>(
    lab: &'lab Lab,
    address: &str,
    settings: &[&str],
    variables: &[(&str, &str)],
) -> Running<'lab> {
    let run = lab.helper(&["foreground", "pidfile=d.pid"]).args(settings).env("NOTIFY_SOCKET", address);
    variables.iter().fold(run, |run, (name, value)| run.env(name, value)).spawn()
}

pub(crate) fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).expect("a clock")
}
