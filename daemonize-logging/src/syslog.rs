//! Sends records to the system log.
//!
//! The crates do not fit: `syslog` needs the local time zone, which it cannot read in a process with threads (it writes UTC unmarked then);
//! `syslog-tracing` calls `syslog(3)`, which blocks as long as the receiver does not read; RFC 5424, of `syslog_fmt`, is not what
//! receivers of `/dev/log` parse. A line without a time is accepted by all of them, which add their own.

use crate::error::{Error, ErrorKind, Result};
use crate::line_style::priority;
use daemonize_sys::error::cause;
use daemonize_sys::mutex::lock;
use log::Level;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The socket of the system log.
const SYSLOG_SOCKET: &str = "/dev/log";

/// The longest text, in bytes: rsyslog takes 8 KiB by default.
pub(crate) const MAX_MESSAGE: usize = 8 * 1024 - 256;

/// The facility `daemon` (`syslog(3)`).
const FACILITY: u8 = 3 << 3;

/// How long a record waits for the receiver.
const SEND_TIMEOUT: Duration = Duration::from_millis(500);

/// How long no record waits after one has waited in vain.
const PAUSE_AFTER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long no new connection is tried after one has failed.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// The system log, with the name under which this program logs.
#[derive(Debug)]
pub(crate) struct Syslog {
    name: String,
    connection: Mutex<Connection>,
}

#[derive(Debug)]
struct Connection {
    socket: Option<UnixDatagram>,
    /// Until then the receiver is not waited for.
    paused_until: Option<Instant>,
    /// The number of records that the receiver has not accepted since it last accepted one.
    lost: u64,
}

impl Syslog {
    /// Connects to the system log.
    pub(crate) fn connect(name: &str) -> Result<Syslog> {
        let socket = connect().map_err(|error| {
            let why = cause(&error);
            let text = format!(
                "failed to connect to syslog: `{SYSLOG_SOCKET}`: {why}: no syslog daemon reads datagrams there"
            );
            Error::new(ErrorKind::Destination, text)
        })?;
        let connection = Mutex::new(Connection { socket: Some(socket), paused_until: None, lost: 0 });
        Ok(Syslog { name: name.to_owned(), connection })
    }

    /// Sends one record, whose text is one line. A receiver that was started again is connected to again. A record that the receiver
    /// does not accept in time is lost; the next one that it accepts is preceded by the number of lost ones.
    pub(crate) fn send(&self, level: Level, text: &str) {
        let mut connection = lock(&self.connection);
        if connection.paused_until.is_some_and(|end| Instant::now() < end) {
            connection.lost += 1;
            return;
        }
        connection.paused_until = None;
        if connection.lost > 0 {
            let text = format!("{} records were lost: syslog did not accept them", connection.lost);
            if connection.deliver(&self.line(Level::Warn, &text)).is_err() {
                connection.lost += 1;
                return;
            }
            connection.lost = 0;
        }
        if connection.deliver(&self.line(level, text)).is_err() {
            connection.lost += 1;
        }
    }

    fn line(&self, level: Level, text: &str) -> String {
        format!("<{}>{}[{}]: {text}", FACILITY | priority(level), self.name, std::process::id())
    }
}

impl Connection {
    /// Sends a line, over a new connection if the old one has no receiver.
    fn deliver(&mut self, line: &str) -> io::Result<()> {
        let first = self.socket.as_ref().map(|socket| socket.send(line.as_bytes()));
        let sent = match first {
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) if is_timeout(&error) => Err(error),
            _ => connect().and_then(|socket| {
                let sent = socket.send(line.as_bytes()).map(|_| ());
                self.socket = Some(socket);
                sent
            }),
        };
        if let Err(error) = &sent {
            let pause = if is_timeout(error) { PAUSE_AFTER_TIMEOUT } else { RECONNECT_INTERVAL };
            self.paused_until = Some(Instant::now() + pause);
        }
        sent
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    socket.connect(SYSLOG_SOCKET)?;
    Ok(socket)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
