//! The error type of this library.

mod into_io_error;

use crate::escape::escape_bytes;
use crate::pid::Pid;
use crate::stage::Stage;
use daemonize_sys::error::Failure;
pub(crate) use daemonize_sys::error::cause;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::process::ExitCode;

/// The number of bytes of each stream that `Debug` of an [`Error`] shows, counted from the end.
const SHOWN_OUTPUT: usize = 4096;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The failure of a verb: "failed to \<verb\> `<object>`: \<cause\>".
///
/// Programs branch on the [`kind`](Error::kind); [`exit_code`](Error::exit_code) is the exit status of a program that starts, stops or
/// inspects a daemon. `Display` is the text for people; control characters other than line ends, which a path or a daemon's message
/// may contain, are escaped. `Debug` also prints the output of a daemon whose start failed (the last 4 KiB of each stream, escaped in the same
/// way), so that `fn main() -> daemon::Result<()>` shows both. An `Error` converts into an [`io::Error`], which keeps it.
///
/// ```
/// use daemon::{Daemon, ErrorKind};
///
/// let error = Daemon::new("").status().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Configuration);
/// assert_eq!(error.exit_code(), 2);
/// assert_eq!(error.to_string(), "failed to configure the daemon: its name is empty");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    failure: Failure<ErrorKind>,
    output: Vec<u8>,
    errors: Vec<u8>,
}

/// The category of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is invalid, or contradicts another one. Exit status 2.
    Configuration,
    /// The process has more than one thread, so it cannot fork. Exit status 2.
    Threads,
    /// The process has an async runtime or another event loop, which would not survive the fork. Exit status 2.
    Runtime,
    /// The daemon is already running. Exit status 3.
    AlreadyRunning {
        /// The pid of the running daemon.
        pid: Pid,
    },
    /// A process that is not the daemon held the lock of the pidfile until the timeout. Exit status 7.
    Locked,
    /// A stage of the launch failed, or one of its hooks. Exit status 2.
    Stage(Stage),
    /// The daemon died, or its body returned, before it was ready; the text has the cause. Exit status 2.
    Died,
    /// The daemon was not ready within the start timeout, and was killed; or it did not serve a client by the deadline of `connect`. Exit
    /// status 2.
    NotReady,
    /// The body returned an error or panicked before it was ready. Exit status 4.
    Body,
    /// A stop signal came while the daemon was starting. Exit status 2.
    Stopped,
    /// The daemon could not be stopped or signalled. Exit status 5.
    Stop,
    /// The daemon did not reload, or did not report that it has. Exit status 5.
    Reload,
    /// No daemon is running. Exit status 5.
    NotRunning,
    /// The daemon belongs to another user. Exit status 5.
    Permission,
    /// The pidfile or its directory cannot be opened. Exit status 6.
    PidFileInaccessible,
    /// The pidfile cannot be trusted, or could not be written. Exit status 7.
    PidFile,
    /// A client is not connected to the daemon: the peer is not trusted, or the start by another client has failed. Exit status 2.
    Connect,
    /// This process cannot perform the operation: it is not a daemon, or its state does not allow it. Exit status 2.
    Unsupported,
    /// A system call failed unexpectedly. Exit status 2.
    System,
}

impl ErrorKind {
    fn exit_code(self) -> u8 {
        match self {
            ErrorKind::AlreadyRunning { .. } => 3,
            ErrorKind::Body => 4,
            ErrorKind::Stop | ErrorKind::Reload | ErrorKind::NotRunning | ErrorKind::Permission => 5,
            ErrorKind::PidFileInaccessible => 6,
            ErrorKind::PidFile | ErrorKind::Locked => 7,
            _ => 2,
        }
    }
}

impl Error {
    /// Returns the category.
    pub fn kind(&self) -> ErrorKind {
        self.0.failure.kind()
    }

    /// Returns the exit status for a program that ends with this error: see [`ErrorKind`].
    pub fn exit_code(&self) -> u8 {
        self.kind().exit_code()
    }

    /// Returns the daemon's output on stdout before its start failed (the first 64 KiB).
    pub fn output(&self) -> &[u8] {
        &self.0.output
    }

    /// Returns the daemon's output on stderr before its start failed (the first 64 KiB).
    pub fn errors(&self) -> &[u8] {
        &self.0.errors
    }

    /// Prints the output of the failed start, then the error on stderr, and returns the exit status for `main`.
    pub fn report(&self) -> ExitCode {
        crate::stdout::copy_out(self.output(), self.errors());
        let _ = writeln!(io::stderr(), "error: {self}");
        ExitCode::from(self.exit_code())
    }

    /// Makes an error with this text, in which control characters other than line ends are escaped: for libraries that have verbs of
    /// their own.
    ///
    /// ```
    /// use daemon::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Connect, "failed to connect to `agent`: it is full");
    /// assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Connect, 2));
    /// ```
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error::with_text(kind, text.into())
    }

    /// The part of `new` that is not generic: more than a hundred call sites share one copy. So do the functions below.
    #[cold]
    fn with_text(kind: ErrorKind, text: String) -> Error {
        Error(Box::new(Inner { failure: Failure::new(kind, text), output: Vec::new(), errors: Vec::new() }))
    }

    /// Makes the error "failed to \<verb\> `<thing>`: \<cause\>".
    pub(crate) fn failed(kind: ErrorKind, verb: &str, thing: impl Display, cause: impl Display) -> Error {
        Error::failed_at(kind, verb, &thing, &cause)
    }

    #[cold]
    fn failed_at(kind: ErrorKind, verb: &str, thing: &dyn Display, cause: &dyn Display) -> Error {
        Error::formatted(kind, format_args!("failed to {verb} `{thing}`: {cause}"))
    }

    #[cold]
    fn formatted(kind: ErrorKind, text: fmt::Arguments<'_>) -> Error {
        Error::with_text(kind, fmt::format(text))
    }

    pub(crate) fn configuration(cause: impl Display) -> Error {
        Error::wrong(&cause)
    }

    #[cold]
    fn wrong(cause: &dyn Display) -> Error {
        Error::formatted(ErrorKind::Configuration, format_args!("failed to configure the daemon: {cause}"))
    }

    pub(crate) fn stage(stage: Stage, cause: impl Display) -> Error {
        Error::failed(ErrorKind::Stage(stage), "run stage", stage, cause)
    }

    pub(crate) fn system(verb: &str, cause: impl Display) -> Error {
        Error::formatted(ErrorKind::System, format_args!("failed to {verb}: {cause}"))
    }

    /// Returns `true` if another process holds the pidfile, and may release it.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self.kind(), ErrorKind::AlreadyRunning { .. } | ErrorKind::Locked)
    }

    /// Returns an error with the same kind and text.
    pub(crate) fn copy(&self) -> Error {
        Error::new(self.kind(), format!("{self}"))
    }

    /// Appends to the text.
    pub(crate) fn and(mut self, more: &str) -> Error {
        self.0.failure = self.0.failure.and(more);
        self
    }

    pub(crate) fn with_capture(mut self, output: Vec<u8>, errors: Vec<u8>) -> Error {
        self.0.output = output;
        self.0.errors = errors;
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0.failure, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.output().is_empty() || !self.errors().is_empty() {
            f.write_str("the daemon had printed:\n")?;
            Printed(self.output()).fmt(f)?;
            Printed(self.errors()).fmt(f)?;
        }
        Display::fmt(self, f)
    }
}

/// The end of what a daemon printed on one stream, for a terminal.
struct Printed<'a>(&'a [u8]);

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left_out, shown) = self.0.split_at(self.0.len().saturating_sub(SHOWN_OUTPUT));
        if !left_out.is_empty() {
            writeln!(f, "  [{} bytes left out]", left_out.len())?;
        }
        let shown = shown.strip_suffix(b"\n").unwrap_or(shown);
        if shown.is_empty() {
            return Ok(());
        }
        shown.split(|byte| *byte == b'\n').try_for_each(|line| writeln!(f, "  {}", escape_bytes(line)))
    }
}

impl std::error::Error for Error {}

impl From<Error> for ExitCode {
    /// The exit status of [`Error::exit_code`].
    fn from(error: Error) -> ExitCode {
        ExitCode::from(error.exit_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debug(output: &[u8], errors: &[u8]) -> String {
        let error = Error::new(ErrorKind::Body, "failed to start: no table");
        format!("{:?}", error.with_capture(output.to_vec(), errors.to_vec()))
    }

    #[test]
    fn debug_shows_what_was_printed_and_then_the_cause() {
        assert_eq!(debug(b"", b""), "failed to start: no table");
        assert_eq!(
            debug(b"opening\n", b"no\x1b[2J\n\xfftable"),
            "the daemon had printed:\n  opening\n  no\\u{1b}[2J\n  \\xfftable\nfailed to start: no table"
        );
        let long = debug(&vec![b'#'; 64 * 1024], b"last\n");
        assert!(long.contains("[61440 bytes left out]") && long.len() < 5 * 1024, "{}", long.len());
        assert!(long.ends_with("#\n  last\nfailed to start: no table"));
    }
}
