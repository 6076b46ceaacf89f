//! The errors of a launch by exec.

use daemonize_core::{Error, ErrorKind};
use std::fmt::Display;

/// Returns the error of a start that is refused before any process is made.
pub(crate) fn refused(name: &str, why: impl Display) -> Error {
    Error::new(ErrorKind::Unsupported, format!("failed to start `{name}` by exec: {why}"))
}

/// Returns the error of a system call on the way to the new process.
pub(crate) fn system(name: &str, step: &str, cause: impl Display) -> Error {
    Error::new(ErrorKind::System, format!("failed to start `{name}` by exec: failed to {step}: {cause}"))
}

/// Returns the error of a new process that ended without an outcome.
pub(crate) fn died(name: &str, why: impl Display) -> Error {
    Error::new(ErrorKind::Died, format!("failed to start `{name}` by exec: {why}"))
}

/// Returns the error of a start whose deadline has passed.
pub(crate) fn timed_out(name: &str, why: impl Display) -> Error {
    Error::new(ErrorKind::NotReady, format!("failed to start `{name}` by exec: {why}"))
}
