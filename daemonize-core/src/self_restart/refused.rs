//! The error of a restart that is not performed.

use crate::error::{Error, ErrorKind};
use std::fmt;

/// Returns the error of a restart.
pub(super) fn refused(why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Unsupported, format!("failed to restart: {why}"))
}
