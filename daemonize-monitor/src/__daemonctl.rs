//! What `daemonctl` needs to find its monitor.

use crate::config::{self, Mistakes};
use crate::monitor::Builder;
use crate::settings::Settings;
use std::path::{Path, PathBuf};

/// The settings of the monitor, also where something else in the file is wrong.
///
/// # Errors
/// The file cannot be read or trusted.
pub fn settings(config: &Path) -> Result<Settings, Mistakes> {
    config::settings(config)
}

/// Where the monitor of these settings has its pidfile.
pub fn pidfile(settings: &Settings) -> PathBuf {
    crate::configured::pidfile(settings)
}

/// Has the monitor reap all children of its process, also those that a shell had before it executed `daemonctl`. A program
/// that starts processes of its own would lose their exit statuses.
#[must_use]
pub fn reaping_all(mut builder: Builder) -> Builder {
    builder.reaps_all = true;
    builder
}

/// What somebody may have meant.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    config::nearest(word, known)
}
