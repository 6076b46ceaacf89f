//! The errors of the monitor.

pub(crate) use daemonize_sys::error::cause;
use daemonize_sys::error::{Failure, failed};
use std::fmt::{self, Display};
use std::io;
use std::process::ExitCode;

/// The result of a fallible operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the monitor: "failed to \<verb\> `<object>`: \<cause\>".
///
/// [`kind`](Error::kind) is for programs to branch on, the text for people. `Debug` prints the text too.
#[derive(Clone)]
pub struct Error {
    failure: Failure<ErrorKind>,
    exit_code: u8,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration of a bot or of the monitor is not valid.
    Configuration,
    /// The monitor itself could not be started or stopped as a daemon.
    Daemon,
    /// The monitor runs already, or another process has the lock of its pidfile.
    AlreadyRunning,
    /// There is no bot of this name.
    NoSuchBot,
    /// The bot did not reach the state that was asked for: it was given up, stopped by another command, or removed.
    Failed,
    /// The operation did not complete within the timeout. It may still complete.
    Timeout,
    /// The monitor is shutting down and rejects the command.
    Stopping,
    /// The monitor does not run.
    NotRunning,
    /// A system call failed unexpectedly.
    System,
}

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.failure.kind()
    }

    /// Returns the exit status for a program that exits because of this error.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Creates an error with this text. Control characters, which a path or a name may contain, are escaped.
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        let exit_code = match kind {
            ErrorKind::NoSuchBot | ErrorKind::Failed | ErrorKind::Timeout | ErrorKind::NotRunning => 5,
            _ => 2,
        };
        Error { failure: Failure::new(kind, text), exit_code }
    }

    /// Creates an error with the text "failed to \<verb\> `<object>`: \<cause\>".
    pub(crate) fn failed(kind: ErrorKind, verb: &str, thing: impl Display, cause: impl Display) -> Error {
        Error::new(kind, failed(verb, thing, cause))
    }

    pub(crate) fn system(verb: &str, error: &io::Error) -> Error {
        Error::new(ErrorKind::System, format!("failed to {verb}: {}", cause(error)))
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.failure, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<daemonize_core::Error> for Error {
    fn from(error: daemonize_core::Error) -> Error {
        let kind = match error.kind() {
            daemonize_core::ErrorKind::AlreadyRunning { .. } | daemonize_core::ErrorKind::Locked => {
                ErrorKind::AlreadyRunning
            }
            _ => ErrorKind::Daemon,
        };
        Error { exit_code: error.exit_code(), ..Error::new(kind, error.to_string()) }
    }
}

impl From<Error> for io::Error {
    /// Converts into an error of the kind that fits best, which keeps this one: see `get_ref` and `into_inner`.
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::Configuration => io::ErrorKind::InvalidInput,
            ErrorKind::NoSuchBot | ErrorKind::NotRunning => io::ErrorKind::NotFound,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

impl From<Error> for ExitCode {
    /// The exit status of [`Error::exit_code`].
    fn from(error: Error) -> ExitCode {
        ExitCode::from(error.exit_code())
    }
}
