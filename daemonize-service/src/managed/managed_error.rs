//! The error of everything that is asked of a service manager.

use daemonize_sys::error::Failure;
use std::fmt;

/// An error of a service manager, or of the tool that speaks to it. Its text names the command, so that it can be run by hand.
///
/// ```no_run
/// use daemon::cli::{ManagedErrorKind, managing};
///
/// # let pid = daemon::Pid::this();
/// match managing(pid) {
///     Err(error) if error.kind() == ManagedErrorKind::NoAnswer => eprintln!("unknown: {error}"),
///     _ => {}
/// }
/// ```
#[derive(Clone)]
pub struct ManagedError(Failure<ManagedErrorKind>);

/// The kind of a [`ManagedError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedErrorKind {
    /// The tool of the service manager is not installed where only root can put it.
    NoTool,
    /// The tool was killed, since it did not answer in time.
    NoAnswer,
    /// The tool failed; the text has the end of its output.
    Failed,
    /// The action was not tried, since another user has to perform it.
    Refused,
}

impl ManagedError {
    pub(super) fn new(kind: ManagedErrorKind, text: impl Into<String>) -> ManagedError {
        ManagedError(Failure::new(kind, text))
    }

    /// Returns the kind.
    pub fn kind(&self) -> ManagedErrorKind {
        self.0.kind()
    }
}

impl fmt::Display for ManagedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ManagedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ManagedError {}
