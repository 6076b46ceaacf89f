//! What `daemonctl` needs to find its monitor.

use crate::config::{self, Mistakes};
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

/// What somebody may have meant.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    config::nearest(word, known)
}
