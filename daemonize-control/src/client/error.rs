//! The errors of clients and instances.

use daemonize_core::Pid;
pub(crate) use daemonize_sys::error::cause;
use daemonize_sys::error::{Failure, failed};
use daemonize_sys::escape::escape;
use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The result of a call of a client or an instance.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The failure of a call: "failed to \<verb\> `<thing>`: \<cause\>".
///
/// Programs branch on [`kind`](Error::kind); the text is for people. `Debug` prints the text too, so that
/// `fn main() -> Result<(), daemon::control::Error>` reads well.
pub struct Error(Box<Inner>);

struct Inner {
    failure: Failure<ErrorKind>,
    /// The pidfile of the instance that runs already.
    pidfile: Option<PathBuf>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No daemon runs. The client did not connect.
    NotRunning,
    /// The daemon is starting, and has not written its address yet.
    Starting,
    /// The process runs, but has no endpoint, or cannot be connected to; or it exited, or another one took its place, before it
    /// had read the request. It has done nothing: the call may be repeated.
    Unreachable,
    /// The process that listens at the address is not the one that the pidfile names. Nothing was sent.
    Untrusted,
    /// The endpoint responded with this HTTP status, which is not 2xx.
    Refused(u16),
    /// The call did not end within the timeout.
    Timeout,
    /// The daemon has no handler for events of this name.
    NoHandler,
    /// The handler of the event failed; the text is the handler's.
    Handler,
    /// The reply is missing, is not HTTP, is cut off, or exceeds a limit that the text names: 16 KiB and 100 header
    /// fields for the head, as much for the trailers, 16 KiB for the extensions of chunks, 16 MiB and 4194304 JSON values for
    /// the body, 1 MiB and 1048576 JSON values for an event of a stream.
    Reply,
    /// The request cannot be sent: a route with spaces, an event that is not an object.
    Request,
    /// The state of the daemon is unknown, because its pidfile cannot be read or trusted.
    Unknown,
    /// Another process is the instance already; [`Error::client`] returns a client of it.
    AlreadyRunning {
        /// The process of the running instance.
        pid: Pid,
    },
    /// A process holds the instance's lock, but does not respond.
    Unresponsive,
    /// A setting of the instance is wrong, or its directory cannot be used.
    Configuration,
    /// The instance could not start; the text names the cause.
    Start,
}

impl Error {
    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.failure.kind()
    }

    /// Returns the pidfile of the instance that runs already, if that is the error.
    pub(super) fn pidfile(&self) -> Option<&Path> {
        self.0.pidfile.as_deref()
    }

    /// Returns the exit status of a program that ends because of this error: 3 if another instance runs, 2 if it could not start,
    /// 5 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self.kind() {
            ErrorKind::AlreadyRunning { .. } | ErrorKind::Unresponsive => 3,
            ErrorKind::Configuration | ErrorKind::Start => 2,
            _ => 5,
        }
    }

    /// Makes the error "failed to \<verb\> `<thing>`: \<cause\>".
    pub(crate) fn failed(kind: ErrorKind, verb: &str, thing: impl Display, cause: impl Display) -> Error {
        Error::new(kind, failed(verb, thing, cause))
    }

    /// Makes an error with this text; control characters in it, which a path or an answer may hold, are escaped.
    pub(crate) fn new(kind: ErrorKind, text: String) -> Error {
        Error(Box::new(Inner { failure: Failure::new(kind, text), pidfile: None }))
    }

    /// Returns `true` if the other instance is starting or exiting: the request had no effect, and may have one later.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotRunning | ErrorKind::Starting | ErrorKind::Unreachable)
    }

    /// Adds the pidfile of the instance that runs already, for [`client`](Error::client).
    pub(crate) fn with_pidfile(mut self, pidfile: PathBuf) -> Error {
        self.0.pidfile = Some(pidfile);
        self
    }
}

/// Returns text of another process as one escaped line, cut to 500 characters before escaping.
pub(crate) fn quoted(text: &str) -> String {
    let text: String = text.trim().chars().take(500).collect();
    escape(&text).into_owned()
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0.failure, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    /// Converts into an error of the kind that fits best, which keeps this one: see `get_ref` and `into_inner`.
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::NotRunning => io::ErrorKind::NotFound,
            ErrorKind::Unreachable => io::ErrorKind::ConnectionRefused,
            ErrorKind::Untrusted => io::ErrorKind::PermissionDenied,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Reply => io::ErrorKind::InvalidData,
            ErrorKind::AlreadyRunning { .. } => io::ErrorKind::AlreadyExists,
            ErrorKind::Unresponsive => io::ErrorKind::ResourceBusy,
            ErrorKind::Request | ErrorKind::Configuration => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

impl From<Error> for ExitCode {
    /// Converts into the exit status of [`Error::exit_code`].
    fn from(error: Error) -> ExitCode {
        ExitCode::from(error.exit_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cross_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
    }

    #[test]
    fn text_of_another_process_is_escaped_and_cut() {
        assert_eq!(quoted("  a\u{1b}[2J\nb "), "a\\u{1b}[2J\\nb");
        assert_eq!(quoted("\u{61c}\u{200b}\u{202e}x"), "\\u{61c}\\u{200b}\\u{202e}x");
        assert_eq!(quoted(&"x".repeat(900)).len(), 500);
    }
}
