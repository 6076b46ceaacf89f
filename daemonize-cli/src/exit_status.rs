//! The failure of a verb, and the exit status that tells it: the statuses of [`daemonize_core::ErrorKind`], or those of an LSB init script.

use daemonize_core::{Error, ErrorKind};
use std::fmt::{self, Display};
use std::process::ExitCode;

/// The exit status of a wrong command line, in both tables.
pub(crate) const USAGE: u8 = 2;

/// The failure of a verb.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The command line is wrong, or asks for help.
    Usage(Box<clap::Error>),
    /// A verb of the core failed.
    Daemon(Box<Error>),
    /// The command line itself refuses or fails.
    Other { class: FailureClass, text: String },
}

/// The class of a failure, which decides its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureClass {
    /// The arguments contradict each other, or the state of the machine.
    Usage,
    /// This user may not do it.
    Rights,
    /// It cannot be done here.
    Unsupported,
    /// Any other failure.
    Generic,
}

impl Failed {
    pub(crate) fn new(class: FailureClass, text: impl Display) -> Failed {
        Failed::Other { class, text: text.to_string() }
    }

    /// Returns the failure "failed to \<verb\> `<object>`: \<cause\>".
    pub(crate) fn to(verb: &str, object: impl Display, cause: impl Display) -> Failed {
        Failed::new(FailureClass::Generic, daemonize_sys::error::failed(verb, object, cause))
    }

    /// Returns the exit status.
    pub(crate) fn status(&self, lsb: bool) -> u8 {
        match self {
            Failed::Usage(error) if error.use_stderr() => USAGE,
            Failed::Usage(_) => 0,
            Failed::Daemon(error) if lsb => lsb_status(error.kind()),
            Failed::Daemon(error) => error.exit_code(),
            Failed::Other { class, .. } => class.status(lsb),
        }
    }
}

impl FailureClass {
    fn status(self, lsb: bool) -> u8 {
        match self {
            FailureClass::Usage => USAGE,
            FailureClass::Unsupported if lsb => 3,
            FailureClass::Rights if lsb => 4,
            FailureClass::Generic if lsb => 1,
            FailureClass::Rights => 5,
            FailureClass::Unsupported | FailureClass::Generic => 2,
        }
    }
}

/// Returns the exit status of an LSB init script (`Linux Standard Base`, section 22.2, init script actions).
fn lsb_status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::AlreadyRunning { .. } => 0,
        ErrorKind::Unsupported => 3,
        ErrorKind::Permission | ErrorKind::PidFileInaccessible => 4,
        ErrorKind::Configuration => 6,
        ErrorKind::NotRunning => 7,
        _ => 1,
    }
}

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Usage(error) => Display::fmt(error, f),
            Failed::Daemon(error) => Display::fmt(error, f),
            Failed::Other { text, .. } => f.write_str(text),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Daemon(Box::new(error))
    }
}

impl From<clap::Error> for Failed {
    fn from(error: clap::Error) -> Failed {
        Failed::Usage(Box::new(error))
    }
}

/// The result of a verb: its exit status, or its failure.
pub(crate) type VerbResult = Result<ExitCode, Failed>;
