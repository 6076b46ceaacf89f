//! Records a start.

use crate::start_record::StartRecord;
use daemonize_core::Daemon;
use std::ffi::OsString;
use std::time::SystemTime;

/// Records the start of a daemon with these arguments.
///
/// # Errors
/// The reason why it could not be recorded.
pub(super) fn record(name: &str, daemon: &Daemon, arguments: &[OsString]) -> Result<(), String> {
    let record = StartRecord {
        arguments: arguments.to_vec(),
        directory: std::env::current_dir().ok(),
        pidfile: daemon.settings().pidfile().map(Into::into),
        log: daemon.log_path(),
        at: SystemTime::now(),
    };
    record.write(name)
}
