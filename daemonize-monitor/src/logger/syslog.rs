//! Messages for the system log, over the socket on which it receives them.
//!
//! Own code, because the crate `syslog` waits where the queue of the receiver is full.

use crate::error::cause;
use crate::logs::prefix;
use crate::settings::Facility;
use log::Level;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::process;

/// The socket of the system log.
const SOCKET_PATH: &str = "/dev/log";

/// The longest message: system logs cut what is longer, and a socket refuses what is much longer.
const MAX_MESSAGE_BYTES: usize = 8 * 1024;

/// The connection, while there is one.
#[derive(Debug, Default)]
pub(super) struct Syslog(Option<UnixDatagram>);

impl Syslog {
    /// Connects unless it is connected. Never waits.
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

    /// Sends a message as of RFC 3164, without the time, which the receiver adds. A receiver that was restarted is found
    /// again. Never waits.
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
            // Its queue is full: this message is lost, rather than the monitor's time.
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
