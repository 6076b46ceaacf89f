//! The place of a daemon's log, opened to be read.

use crate::log_reader::{LogFiles, ReadFailure};
use daemonize_core::Daemon;
use daemonize_sys::account::find_uid;
use std::path::Path;

/// Opens the directory of a log for reading, as the log of the daemon's user; `None` if there is no directory.
///
/// # Errors
/// The directory cannot be trusted.
pub(super) fn log_files(daemon: &Daemon, log: &Path) -> Result<Option<LogFiles>, ReadFailure> {
    let user = daemon.settings().user().and_then(|user| find_uid(user).ok());
    LogFiles::new(log, user)
}
