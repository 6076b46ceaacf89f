//! Reads and validates the configuration: TOML files, or a `KEY=value` file of `dundergifflin.monitor`.
//!
//! Reading collects every error with its location and a fix, and returns either a whole configuration or none. It starts and
//! changes nothing. No shell evaluates any value.

mod bot_entry;
mod bot_keys;
mod check_warnings;
mod dependency_cycles;
mod diagnostic;
mod env_file;
mod group_names;
mod include;
mod legacy;
mod listen_warnings;
mod loader;
mod log_targets;
mod migration_hints;
mod monitor_keys;
mod path_warnings;
mod program_warnings;
pub(crate) mod schema;
mod shared_addresses;
mod source_text;
mod stop_timeouts;
mod suggestion;
#[cfg(test)]
mod tests;
mod trusted_file;
mod validate;
mod value;
mod value_parsers;
mod variables;
mod webhook;

pub use diagnostic::{Diagnostic, Diagnostics, Location};
pub(crate) use suggestion::nearest;

use crate::bot::Bot;
use crate::reload_plan::ReloadPlan;
use crate::settings::Settings;
use bot_entry::BotEntry;
use loader::Loader;
use std::path::{Path, PathBuf};
use variables::Variables;

/// A valid configuration.
///
/// ```
/// use daemonize_monitor::Config;
///
/// let read = |text: &str| Config::parse("/etc/bots.toml", text, &|name| std::env::var(name).ok());
/// let mistakes = read("[bot.web]\ncomand = \"/bin/true\"\n").unwrap_err();
/// assert_eq!(mistakes.iter().next().unwrap().to_string(), "/etc/bots.toml:1:6: bot `web` has no program: write `command = \"/path/of/the/program\"`");
/// let old = read("[bot.web]\ncommand = \"/bin/true\"\n")?;
/// let new = read("[bot.web]\ncommand = \"/bin/true\"\numask = \"027\"\n")?;
/// assert_eq!(old.plan(&new).restarted[0].keys, ["umask"]);
/// # Ok::<(), daemonize_monitor::Diagnostics>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The settings of the monitor itself.
    pub settings: Settings,
    /// The bots, in the order of the files.
    pub bots: Vec<Bot>,
    /// Warnings: a program that does not exist yet, or that runs as root although another user could replace it; a stop that a
    /// shutdown would cut short.
    pub warnings: Vec<Diagnostic>,
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// Reads a file and the files that it includes. The environment supplies the variables.
    ///
    /// # Errors
    ///
    /// Returns all errors in the files. A file is refused unless it belongs to root or to the current user, and unless no other
    /// user can write or replace it.
    pub fn read(path: impl AsRef<Path>) -> Result<Config, Diagnostics> {
        Config::read_with(path.as_ref(), &|name| std::env::var(name).ok())
    }

    /// Creates a configuration from values instead of a file.
    ///
    /// # Errors
    ///
    /// Returns all errors, as for a file, but without a location.
    pub fn new(settings: Settings, bots: impl IntoIterator<Item = Bot>) -> Result<Config, Diagnostics> {
        let mut load = Loader::new(&|_| None);
        load.settings = settings;
        load.bots = bots.into_iter().map(BotEntry::from_program).collect();
        finish(load)
    }

    /// Returns what a reload from this configuration to `new` would do. Nothing is done.
    pub fn plan(&self, new: &Config) -> ReloadPlan {
        ReloadPlan::between((&self.settings, &self.bots), (&new.settings, &new.bots))
    }

    /// Parses `text` as the contents of `file`, with the given variables. Included files are read.
    ///
    /// # Errors
    ///
    /// Returns all errors.
    pub fn parse(
        file: impl AsRef<Path>,
        text: &str,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Config, Diagnostics> {
        let mut load = Loader::new(variables);
        load.text(file.as_ref(), text, None);
        finish(load)
    }

    fn read_with(path: &Path, variables: Variables<'_>) -> Result<Config, Diagnostics> {
        read_into(Loader::new(variables), path)
    }
}

/// Reads a file as [`Config::read`] does, and also warns of directories and logs that are unusable now. A hanging file system
/// would block this check, so a starting monitor omits it.
pub(crate) fn check(path: &Path) -> Result<Config, Diagnostics> {
    let variables = |name: &str| std::env::var(name).ok();
    let mut load = Loader::new(&variables);
    load.checks_paths = true;
    read_into(load, path)
}

fn read_into(mut load: Loader<'_>, path: &Path) -> Result<Config, Diagnostics> {
    match std::path::absolute(path) {
        Ok(path) => load.file(&path, None, None),
        Err(_) => load.file(path, None, None),
    }
    finish(load)
}

/// Reads only the settings of the monitor, and ignores other errors in the file, so that a running monitor is found while its file is
/// being edited.
///
/// # Errors
///
/// The file cannot be read, or another user could write it.
pub(crate) fn settings(path: &Path) -> Result<Settings, Diagnostics> {
    let variables = |name: &str| std::env::var(name).ok();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Loader::new(&variables).settings_of(&path).map_err(|mistake| Diagnostics(vec![mistake]))
}

fn finish(mut loader: Loader<'_>) -> Result<Config, Diagnostics> {
    let warnings = validate::validate(&mut loader)?;
    let bots = loader.bots.into_iter().map(|entry| entry.bot).collect();
    Ok(Config { settings: loader.settings, bots, warnings, files: loader.files })
}
