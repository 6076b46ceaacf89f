//! Logs what the verbs do, through the program's logger (`log`).

use crate::error::{ErrorKind, Result};
use crate::launch::Started;
use crate::report::record;
use log::Level;
use std::fmt::Display;

/// Logs that a start begins.
pub(super) fn starting(name: &str, how: &str) {
    record(Level::Debug, name, format_args!("starting{how}"));
}

/// Logs the result of a start, in the launcher; also that the daemon runs already.
pub(super) fn start(name: &str, outcome: Result<Started>) -> Result<Started> {
    match &outcome {
        Ok(started) => record(Level::Info, name, format_args!("started as pid {}", started.pid)),
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyRunning { .. }) => {
            record(Level::Info, name, format_args!("second launch: {error}"));
        }
        Err(error) => record(Level::Info, name, error),
    }
    outcome
}

/// Logs the result of a stop.
pub(super) fn stop<T: Display>(name: &str, outcome: Result<T>) -> Result<T> {
    match &outcome {
        Ok(stopped) => record(Level::Info, name, stopped),
        Err(error) => record(Level::Info, name, error),
    }
    outcome
}

/// Logs that a signal was sent, or why it was not.
pub(super) fn send(name: &str, signal: impl Display, outcome: Result<()>) -> Result<()> {
    match &outcome {
        Ok(()) => record(Level::Debug, name, format_args!("sent {signal}")),
        Err(error) => record(Level::Debug, name, error),
    }
    outcome
}

/// Logs the result of a reload.
pub(super) fn reload<T: Display>(name: &str, outcome: Result<T>) -> Result<T> {
    stop(name, outcome)
}
