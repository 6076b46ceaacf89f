//! The errors of a pidfile that cannot be opened or trusted.

use crate::error::{Error, ErrorKind};
use std::fmt::Display;
use std::path::Path;

/// Returns the error of a file or directory that cannot be opened.
pub(crate) fn inaccessible(path: &Path, why: impl Display) -> Error {
    Error::failed(ErrorKind::PidFileInaccessible, "open pidfile", path.display(), why)
}

/// Returns the error of a file that is not trusted, or that is not a pidfile.
pub(crate) fn untrusted(path: &Path, why: impl Display) -> Error {
    Error::failed(ErrorKind::PidFile, "use pidfile", path.display(), why)
}
