//! The error of this crate.

use daemonize_sys::error::Failure;
use std::fmt;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The failure of a call of this module: "failed to \<verb\> `<object>`: \<cause\>".
///
/// ```
/// use daemon::logging::{ErrorKind, set_level};
///
/// let error = set_level("info,hyper=wran").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Level);
/// assert!(error.to_string().contains("`wran` in `hyper=wran` is not a level"));
/// ```
#[derive(Clone)]
pub struct Error(Failure<ErrorKind>);

/// The category of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not a level or a list of directives.
    Level,
    /// A logger or subscriber is set already: by an earlier call, or by other code of the program.
    AlreadySet,
    /// The destination cannot be reached: syslog has no receiver.
    Destination,
    /// The level for a running daemon cannot be handed over, or was not accepted.
    Request,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error(Failure::new(kind, text))
    }

    /// Returns the category.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {}
