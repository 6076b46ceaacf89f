//! The error of everything that is done with a service definition.

use daemonize_sys::error::Failure;
use std::fmt;

/// An error of a service definition or of its installation. Its text names the object, the cause and the fix, with control characters escaped.
#[derive(Clone)]
pub struct ServiceError(Failure<ServiceErrorKind>);

/// The kind of a [`ServiceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceErrorKind {
    /// A value that no service file can hold, or that contradicts another.
    Input,
    /// A program that a service manager must not run, or could not.
    Program,
    /// A file that this program has not written, or that was edited since.
    ForeignFile,
    /// A service manager that is missing, or that cannot do this.
    Manager,
    /// A right that the caller does not have.
    Permission,
    /// A failed system call or a failed command of the service manager.
    Failed,
}

impl ServiceError {
    pub(crate) fn new(kind: ServiceErrorKind, text: impl Into<String>) -> ServiceError {
        ServiceError(Failure::new(kind, text))
    }

    /// Returns the kind.
    pub fn kind(&self) -> ServiceErrorKind {
        self.0.kind()
    }

    pub(crate) fn and(self, more: &str) -> ServiceError {
        ServiceError(self.0.and(more))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ServiceError {}
