//! The conversion into `std::io::Error`, for functions that return `std::io::Result`.

use super::{Error, ErrorKind};
use std::io;

impl From<Error> for io::Error {
    /// Converts into an error whose kind says the cause, as far as the standard library has a kind for it; otherwise it is
    /// `Other`. The text stays the same, and `get_ref` and `into_inner` give the [`Error`] back.
    ///
    /// ```
    /// use daemon::{Daemon, Error};
    ///
    /// fn run() -> std::io::Result<()> {
    ///     Daemon::new("").status()?;
    ///     Ok(())
    /// }
    ///
    /// let error = run().unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    /// let kept = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).expect("it is kept");
    /// assert_eq!(kept.exit_code(), 2);
    /// ```
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::Configuration => io::ErrorKind::InvalidInput,
            ErrorKind::AlreadyRunning { .. } => io::ErrorKind::AlreadyExists,
            ErrorKind::Locked => io::ErrorKind::ResourceBusy,
            ErrorKind::NotRunning => io::ErrorKind::NotFound,
            ErrorKind::NotReady => io::ErrorKind::TimedOut,
            ErrorKind::Permission => io::ErrorKind::PermissionDenied,
            ErrorKind::Threads | ErrorKind::Runtime | ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            // Not `Interrupted` for `Stopped`: std calls again what fails with it.
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pid::Pid;

    /// Promise 1.38.
    #[test]
    fn error_becomes_an_io_error_of_its_kind_and_is_kept() {
        let pid = Pid::this();
        for (kind, io_kind) in [
            (ErrorKind::AlreadyRunning { pid }, io::ErrorKind::AlreadyExists),
            (ErrorKind::Permission, io::ErrorKind::PermissionDenied),
            (ErrorKind::Threads, io::ErrorKind::Unsupported),
            (ErrorKind::Stopped, io::ErrorKind::Other),
        ] {
            let error = io::Error::from(Error::new(kind, "failed to start: why"));
            assert_eq!((error.kind(), error.to_string().as_str()), (io_kind, "failed to start: why"));
            let kept = error.into_inner().and_then(|error| error.downcast::<Error>().ok());
            assert_eq!(kept.map(|error| error.kind()), Some(kind));
        }
    }
}
