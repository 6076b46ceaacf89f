//! The exit of a bot: its status, its signal, or the failure to start.

use daemonize_core::Signal;
use std::{fmt, io};

/// The cause of an exit that no command asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The process exited with this status.
    Status(i32),
    /// This signal killed the process.
    Signal(Signal),
    /// The program could not be started, because of this errno.
    NotStarted(i32),
    /// The bot was not ready within its timeout, and was stopped.
    NotReady,
    /// The bot failed its checks, and was stopped.
    Unhealthy,
    /// The bot used more memory than it may, and was stopped.
    OverMemory,
}

impl Exit {
    /// Returns `true` for status 0.
    pub fn is_success(self) -> bool {
        self == Exit::Status(0)
    }

    /// Returns "exited with status 1" or "killed by SIGKILL".
    pub(crate) fn sentence(self) -> String {
        match self {
            Exit::Status(status) => format!("exited with status {status}"),
            Exit::Signal(signal) => format!("killed by {signal}"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Exit {
    /// Formats the cause, such as "status 1" or "SIGKILL".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Status(status) => write!(f, "status {status}"),
            Exit::Signal(signal) => write!(f, "{signal}"),
            Exit::NotStarted(errno) => {
                let text = io::Error::from_raw_os_error(*errno).to_string();
                let cause = text.strip_suffix(&format!(" (os error {errno})")).unwrap_or(&text);
                write!(f, "a failed start ({})", cause.to_lowercase())
            }
            Exit::NotReady => f.write_str("not being ready in time"),
            Exit::Unhealthy => f.write_str("failed checks"),
            Exit::OverMemory => f.write_str("using too much memory"),
        }
    }
}
