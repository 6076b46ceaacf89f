//! The configuration: TOML files, or the `KEY=value` file of the original.
//!
//! Reading collects every mistake with its place and what to write, and yields either a whole configuration or none. It
//! changes nothing and starts nothing. What a bot is given is never looked at by a shell.

mod bot_keys;
mod dependency_cycles;
mod diagnostic;
mod legacy;
mod loader;
mod log_targets;
mod migration_hints;
mod monitor_keys;
mod path_warnings;
mod program_warnings;
mod source_text;
mod stop_timeouts;
mod suggestion;
#[cfg(test)]
mod tests;
mod trusted_file;
mod value;
mod value_parsers;

pub use diagnostic::{Diagnostic, Diagnostics, Location};
pub(crate) use suggestion::nearest;

use crate::bot::{Bot, LogTarget};
use crate::reload_plan::Plan;
use crate::settings::Settings;
use bot_keys::BotEntry;
use loader::Loader;
use source_text::Variables;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A configuration without mistakes.
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
    /// What is said about the monitor itself.
    pub settings: Settings,
    /// The bots, in the order of the files.
    pub bots: Vec<Bot>,
    /// Settings that are not mistakes, but do not look right: a program that does not exist yet, or that runs as root
    /// although another user could replace it; a stop that a shutdown cuts short.
    pub warnings: Vec<Diagnostic>,
    /// The files that were read, the first one first.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// Reads a file and all that it includes.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. It must belong to root or to the user who reads it, and nobody else may be able
    /// to write it or swap it for another.
    pub fn read(path: impl AsRef<Path>) -> Result<Config, Diagnostics> {
        Config::read_with(path.as_ref(), &|name| std::env::var(name).ok())
    }

    /// A configuration that a program makes instead of a file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: the same mistakes, without a place.
    pub fn new(settings: Settings, bots: impl IntoIterator<Item = Bot>) -> Result<Config, Diagnostics> {
        let mut load = Loader::new(&|_| None);
        load.settings = settings;
        load.bots = bots.into_iter().map(BotEntry::from_program).collect();
        finish(load)
    }

    /// What a reload from this configuration to that one does; nothing is done yet.
    pub fn plan(&self, new: &Config) -> Plan {
        Plan::between((&self.settings, &self.bots), (&new.settings, &new.bots))
    }

    /// Takes a text as if it stood in this file, with variables from elsewhere; what it includes is read.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(
        file: impl AsRef<Path>,
        text: &str,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Config, Diagnostics> {
        let mut load = Loader::new(variables);
        load.text(file.as_ref(), text);
        finish(load)
    }

    fn read_with(path: &Path, variables: Variables<'_>) -> Result<Config, Diagnostics> {
        read_into(Loader::new(variables), path)
    }
}

/// Reads a file as [`Config::read`] does, and also warns of directories and logs that cannot be used now. To look at them takes as
/// long as their file systems do: a monitor that starts does not wait for that.
pub(crate) fn check(path: &Path) -> Result<Config, Diagnostics> {
    let variables = |name: &str| std::env::var(name).ok();
    let mut load = Loader::new(&variables);
    load.checks_paths = true;
    read_into(load, path)
}

fn read_into(mut load: Loader<'_>, path: &Path) -> Result<Config, Diagnostics> {
    match std::path::absolute(path) {
        Ok(path) => load.file(&path, None),
        Err(_) => load.file(path, None),
    }
    finish(load)
}

/// What a file says about the monitor itself, also where something else in it is wrong, or it is cut off: so that a monitor
/// that runs is found while its file is being changed.
///
/// # Errors
///
/// The file cannot be read or trusted.
pub(crate) fn settings(path: &Path) -> Result<Settings, Diagnostics> {
    let variables = |name: &str| std::env::var(name).ok();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Loader::new(&variables).settings_of(&path).map_err(|mistake| Diagnostics(vec![mistake]))
}

/// What can only be checked when everything was read.
fn finish(mut load: Loader<'_>) -> Result<Config, Diagnostics> {
    let mut mistakes = load.mistakes.take();
    mistakes.extend(load.bots.iter_mut().filter_map(resolve_devices));
    if mistakes.is_empty() {
        mistakes.extend(load.bots.iter().filter_map(check_bot));
    }
    mistakes.extend(load.names());
    if load.whole {
        mistakes.extend(dependency_cycles::check(&load.bots));
    }
    mistakes.extend(shared_logs(&load));
    if mistakes.is_empty() {
        let mut warnings = program_warnings::warnings(&load.bots);
        if load.checks_paths {
            warnings.extend(path_warnings::warnings(&load.bots, &load.settings));
        }
        if !load.settings.has_container_stop_timeout() {
            // Otherwise each bot with the default `stop` would be warned of.
            warnings.extend(stop_timeouts::check(&load.bots, load.settings.stop_timeout));
        }
        let bots = load.bots.into_iter().map(|described| described.bot).collect();
        return Ok(Config { settings: load.settings, bots, warnings, files: load.files });
    }
    let order = |place: &Location| load.files.iter().position(|file| *file == place.file);
    mistakes.sort_by(|one, other| order(&one.place).cmp(&order(&other.place)).then_with(|| one.cmp(other)));
    Err(Diagnostics(mistakes))
}

/// Two bots that would put aside each other's log.
fn shared_logs(load: &Loader<'_>) -> Vec<Diagnostic> {
    let (mut owners, mut mistakes) = (BTreeMap::new(), Vec::new());
    for described in &load.bots {
        for target in [&described.bot.stdout, &described.bot.stderr] {
            let LogTarget::File(log) = target else { continue };
            let name = &described.bot.name;
            if let Some(other) = owners.insert(&log.path, name).filter(|other| *other != name) {
                let text = format!(
                    "bots `{other}` and `{name}` have the same log `{}`: give each its own",
                    log.path.display()
                );
                mistakes.push(Diagnostic { place: described.place.clone(), text });
            }
        }
    }
    mistakes
}

/// Replaces logs that are no files, such as `/dev/stdout`: a program may write them, too.
fn resolve_devices(described: &mut BotEntry) -> Option<Diagnostic> {
    let bot = &mut described.bot;
    let wrong = [(1, &mut bot.stdout), (2, &mut bot.stderr)]
        .into_iter()
        .find_map(|(number, target)| target.clone().resolved(number).map(|resolved| *target = resolved).err());
    let text = format!("bot `{}`: {}", bot.name, wrong?);
    Some(Diagnostic { place: described.place.clone(), text })
}

/// What the keys could not tell, or a program wrote.
fn check_bot(described: &BotEntry) -> Option<Diagnostic> {
    let text = described.bot.check().err()?;
    Some(Diagnostic { place: described.place.clone(), text })
}
