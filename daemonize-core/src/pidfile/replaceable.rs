//! Decides whether a pidfile may be replaced or removed (rule P5).

use super::holder::Holder;
use super::path_errors::untrusted;
use super::reading::Reading;
use crate::error::Result;
use crate::pid::Pid;
use std::path::Path;

/// Returns the daemon that the file names, if it is alive. A file that names no process for certain is stale for the process
/// that holds the lock.
///
/// # Errors
/// The file is not a pidfile, or belongs to another program whose process is alive. The text says that this process is not
/// `replacing` the file.
pub(super) fn living_daemon(path: &Path, reading: Option<&Reading>, replacing: &str) -> Result<Option<Pid>> {
    match reading.map(Reading::holder) {
        Some(Ok(holder @ (Holder::Foreign | Holder::Unproven(_)))) => {
            Err(untrusted(path, format_args!("{holder}; not {replacing} it")))
        }
        Some(Ok(Holder::Alive(identity))) => Ok(Some(identity.pid)),
        _ => Ok(None),
    }
}
