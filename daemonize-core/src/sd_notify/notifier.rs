//! Sends notifications to the service manager (`sd_notify(3)`): readiness, reloads, the stop, and a heartbeat for its watchdog.

use crate::attach::{Attachment, Handle, Phase};
use crate::error::cause;
use crate::escape::escape;
use crate::mutex::{lock, wait_timeout};
use crate::pid::Pid;
use crate::report;
use crate::stop_flag;
use crate::thread::spawn;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Holds the address of the manager's socket.
pub(super) const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// How long a send waits for a manager that does not read its socket.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_millis(500);

/// The length of a status, in bytes: a relay forwards messages of at most 1 KiB.
const MAX_STATUS_LENGTH: usize = 900;

/// Connects a datagram socket whose sends wait for at most [`SEND_TIMEOUT`].
pub(super) fn connect(address: &SocketAddr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(address)?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    Ok(socket)
}

/// A connection to the service manager.
#[derive(Debug)]
pub(crate) struct Notifier {
    connection: Arc<ManagerConnection>,
    watchdog: Option<Duration>,
}

#[derive(Debug)]
struct ManagerConnection {
    socket: UnixDatagram,
    /// Set at the end of the daemon: the watchdog's thread ends.
    is_closed: Mutex<bool>,
    closed: Condvar,
}

impl Notifier {
    /// Returns a notifier that sends through `socket`, and feeds a watchdog of this interval.
    pub(super) fn new(socket: UnixDatagram, watchdog: Option<Duration>) -> Notifier {
        let connection = ManagerConnection { socket, is_closed: Mutex::new(false), closed: Condvar::new() };
        Notifier { connection: Arc::new(connection), watchdog }
    }

    /// Sends `MAINPID=`: `daemon` is the service's main process from now on. The manager is sure to believe only the process
    /// that was the main process before.
    pub(crate) fn send_main_pid(&self, daemon: Pid) {
        self.connection.send(&format!("MAINPID={daemon}\n"));
    }

    /// Sends `EXTEND_TIMEOUT_USEC=`: asks the manager to wait for `time` from now on.
    pub(crate) fn extend_timeout(&self, time: Duration) {
        self.connection.send(&format!("EXTEND_TIMEOUT_USEC={}\n", time.as_micros()));
    }

    /// Sends `STATUS=`: a text that the manager shows, in one line, escaped; empty to remove it.
    pub(crate) fn send_status(&self, text: &str) {
        let line = escape(&text.replace('\n', " ")).into_owned();
        let end = (0..=MAX_STATUS_LENGTH.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        self.connection.send(&format!("STATUS={}\n", &line[..end]));
    }

    /// Sends `FDSTORE=1`: the manager keeps a copy of the descriptor, and passes it under this name to the process that it
    /// starts next.
    pub(crate) fn store_fd(&self, name: &str, fd: BorrowedFd<'_>) -> io::Result<()> {
        let text = format!("FDSTORE=1\nFDNAME={name}\n");
        let (text, fds) = ([IoSlice::new(text.as_bytes())], [fd.as_raw_fd()]);
        let rights = [ControlMessage::ScmRights(&fds)];
        retry_interrupted(|| {
            sendmsg::<()>(self.as_fd().as_raw_fd(), &text, &rights, MsgFlags::MSG_NOSIGNAL, None)?;
            Ok(())
        })
    }
}

impl AsFd for Notifier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.socket.as_fd()
    }
}

impl ManagerConnection {
    /// Sends a message. A failure is reported: a manager that waits for the message in vain will end the daemon.
    fn send(&self, text: &str) {
        if let Err(error) = self.try_send(text) {
            report::error(&format!("failed to tell the service manager `{}`: {}", text.trim_end(), cause(&error)));
        }
    }

    fn try_send(&self, text: &str) -> io::Result<()> {
        retry_interrupted(|| self.socket.send(text.as_bytes()).map(drop))
    }

    /// Feeds the watchdog at half its interval, as `sd_watchdog_enabled(3)` recommends, while the body's heartbeat is seen.
    fn feed_watchdog(&self, interval: Duration) {
        let mut is_closed = lock(&self.is_closed);
        while !*is_closed {
            is_closed = wait_timeout(&self.closed, is_closed, interval / 2);
            if !*is_closed && stop_flag::heartbeat_seen() {
                // A lost message is not reported: the next one follows soon.
                let _ = self.try_send("WATCHDOG=1\n");
            }
        }
    }
}

impl Attachment for Notifier {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        if let Some(interval) = self.watchdog {
            stop_flag::start_watchdog(interval);
            let connection = Arc::clone(&self.connection);
            spawn("daemon-watchdog", move || connection.feed_watchdog(interval))?;
        }
        Ok(())
    }

    fn phase(&self, phase: Phase) {
        match phase {
            Phase::Ready => self.connection.send("READY=1\n"),
            Phase::Reloading => {
                self.connection.send(&format!("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic().as_micros()));
            }
            Phase::Stopping => self.connection.send("STOPPING=1\n"),
        }
    }

    fn end(&self) {
        *lock(&self.connection.is_closed) = true;
        self.connection.closed.notify_all();
    }
}

/// Calls `send` again after EINTR. With a timeout on the socket, `SA_RESTART` has no effect on a send (`signal(7)`).
pub(super) fn retry_interrupted<T>(mut send: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match send() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Reads `CLOCK_MONOTONIC` (`clock_gettime(2)`), which `RELOADING=1` has to carry.
fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}
