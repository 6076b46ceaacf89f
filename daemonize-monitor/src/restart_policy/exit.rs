//! How a run of a bot ended.

use daemonize_core::Signal;
use std::{fmt, io};

/// How a run of a bot ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended with this status.
    Status(i32),
    /// It was ended by this signal.
    Signal(Signal),
    /// It could not be started; with the errno of what failed.
    NotStarted(i32),
    /// It was not ready in time, and was stopped.
    NotReady,
}

impl Exit {
    /// Whether it ended with status 0.
    pub fn is_success(self) -> bool {
        self == Exit::Status(0)
    }
}

impl fmt::Display for Exit {
    /// What it ended by: "status 1", "SIGKILL".
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
        }
    }
}
