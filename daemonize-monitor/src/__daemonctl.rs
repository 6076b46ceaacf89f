//! Functions by which `daemonctl` finds its monitor.

pub use crate::bot_selector::{BotSelector, suggestion};
pub use crate::console::ConsoleStyle;
pub use crate::duration::parse as parse_duration;
pub use crate::logs::parse_since;

use crate::config::{self, Config, Diagnostics};
use crate::monitor::Builder;
use crate::registry;
use crate::settings::{Settings, default_name};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of the monitor, also where something else in the file is wrong.
///
/// # Errors
/// The file cannot be read or trusted.
pub fn settings(config: &Path) -> Result<Settings, Diagnostics> {
    config::settings(config)
}

/// Reads a configuration, and looks at more than a monitor that starts does: at the directories and logs of bots.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(config: &Path) -> Result<Config, Diagnostics> {
    config::check(config)
}

/// Has the monitor show every line of every bot on stdout, as a container wants it.
#[must_use]
pub fn showing_on_stdout(mut builder: Builder, style: ConsoleStyle) -> Builder {
    builder.show_on_stdout(style);
    builder
}

/// Returns the number of the colour in which a terminal shows the name of a bot (`ESC [ NUMBER m`).
pub fn bot_color(name: &str) -> u8 {
    crate::console::bot_color(name)
}

/// Returns a time since 1970 in UTC, to the millisecond.
pub fn rfc3339(since_1970: Duration) -> String {
    crate::logs::time(since_1970)
}

/// Checks an expression by which logs are searched.
///
/// # Errors
/// Returns why it is refused.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    crate::logs::LineFilter::new(pattern).map(drop)
}

/// Returns the path of the monitor's pidfile.
pub fn pidfile(settings: &Settings) -> PathBuf {
    crate::daemon_setup::pidfile(settings)
}

/// Returns the names of bots whose output is lost where this monitor is a daemon: they inherit a stream of it that it then
/// does not have.
pub fn writing_to_nowhere(monitor: &Builder) -> Vec<String> {
    monitor.writing_to_nowhere()
}

/// The path of the machine's configuration.
pub const SYSTEM_CONFIG: &str = default_name::SYSTEM_CONFIG;

/// Returns where a monitor of this configuration file may have its pidfile beside the one that the file says now: those with
/// which it was started, and, for a file that says neither a name nor a pidfile, that of version 0.1.
pub fn other_pidfiles(config: &Path, settings: &Settings) -> Vec<PathBuf> {
    let mut others = registry::pidfiles(config);
    if settings.pidfile.is_none() && settings.name == default_name::by_default(config) {
        others.push(pidfile(&Settings::default()));
    }
    others.retain(|other| *other != pidfile(settings));
    others
}

/// Returns where monitors of this configuration file have their pidfiles, where the file itself cannot be read any more.
pub fn known_pidfiles(config: &Path) -> Vec<PathBuf> {
    registry::pidfiles(config)
}

/// Returns `true` if a monitor that says that it runs with `told` means this configuration file.
pub fn is_same_file(told: &Path, config: &Path) -> bool {
    registry::is_told(told, config)
}

/// Has the monitor reap all children of its process, also those that a shell had before it executed `daemonctl`. A program
/// that starts processes of its own would lose their exit statuses.
#[must_use]
pub fn reaping_all(mut builder: Builder) -> Builder {
    builder.reaps_all = true;
    builder
}

/// Returns the known word that is most similar to `word`.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    config::nearest(word, known)
}

/// Returns the JSON schema of a configuration, for editors.
pub fn schema() -> serde_json::Value {
    config::schema::document()
}

/// Returns a size for people: `980 B`, `12 kB` or `3.4 MB`.
pub fn size(bytes: u64) -> String {
    crate::size::size(bytes)
}
