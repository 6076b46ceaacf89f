//! Sends messages to the system log, over `/dev/log`.
//!
//! The crate `syslog` is not used, because it blocks when the queue of the receiver is full.

use crate::error::cause;
use crate::logs::prefix;
use crate::settings::Facility;
use log::Level;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::process;

/// The socket of the system log.
const SOCKET_PATH: &str = "/dev/log";

/// The maximum length of a message: syslog daemons truncate longer ones, and the socket refuses much longer ones.
const MAX_MESSAGE_BYTES: usize = 8 * 1024;

/// A connection to the system log, opened on demand.
#[derive(Debug, Default)]
pub(super) struct Syslog(Option<UnixDatagram>);

impl Syslog {
    /// Connects unless it is connected. Does not block.
    ///
    /// # Errors
    /// Why no message would arrive now.
    pub(super) fn connect(&mut self) -> Result<&UnixDatagram, String> {
        let socket = match self.0.take() {
            Some(socket) => socket,
            None => connect().map_err(|error| format!("failed to connect to `{SOCKET_PATH}`: {}", cause(&error)))?,
        };
        Ok(self.0.insert(socket))
    }

    /// Sends a message in the format of RFC 3164, without the time, which the receiver adds. Reconnects once if the receiver was
    /// restarted. Does not block.
    ///
    /// # Errors
    /// Why the message is lost.
    pub(super) fn send(&mut self, facility: Facility, level: Level, name: &str, message: &str) -> Result<(), String> {
        let severity = match level {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug | Level::Trace => 7,
        };
        let number = u32::from(facility.number()) * 8 + severity;
        let text = format!("<{number}>{name}[{}]: {message}", process::id());
        let text = prefix(text.as_bytes(), MAX_MESSAGE_BYTES);
        let was_connected = self.0.is_some();
        match self.connect()?.send(text) {
            Ok(_) => Ok(()),
            // The queue is full: dropping the message is better than blocking the monitor.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(failed(&error)),
            Err(error) => {
                self.0 = None;
                if !was_connected {
                    return Err(failed(&error));
                }
                self.connect()?.send(text).map(drop).map_err(|error| failed(&error))
            }
        }
    }
}

fn failed(error: &io::Error) -> String {
    format!("failed to write to `{SOCKET_PATH}`: {}", cause(error))
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SOCKET_PATH)?;
    Ok(socket)
}
