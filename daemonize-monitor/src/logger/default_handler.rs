//! The destination of the log where the settings name none.

use crate::settings::{Facility, Handler};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// Returns the default destination: stderr, or syslog if stderr is `/dev/null`.
pub(super) fn default_handler() -> Handler {
    let is_null = || {
        let (stderr, null) = (fs::metadata("/proc/self/fd/2").ok()?, fs::metadata("/dev/null").ok()?);
        Some(stderr.file_type().is_char_device() && stderr.rdev() == null.rdev())
    };
    if is_null().unwrap_or(true) { Handler::Syslog(Facility::default()) } else { Handler::Stderr }
}
