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

/// Returns the names of bots whose output is lost where this monitor is a daemon: they inherit a stream of it that it then
/// does not have.
pub fn writing_to_nowhere(monitor: &Builder) -> Vec<String> {
    monitor.writing_to_nowhere()
}

/// What somebody may have meant.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    config::nearest(word, known)
}
