//! Looks up bots by name or program path, and creates temporary bots for programs that are in no configuration.

use super::state::Engine;
use super::supervised_bot::SupervisedBot;
use crate::bot::Bot;
use crate::bot_selector::BotSelector;
use crate::error::{Error, ErrorKind, Result};
use daemonize_sys::escape::{escape, escape_bytes};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The most bots of one program that are named.
const MAX_NAMED: usize = 5;

impl Engine {
    /// Returns the bots that a word of a command means: one, all instances of one, those of a group, those that match a glob,
    /// all, or, for an absolute path, those of this program.
    ///
    /// # Errors
    /// There is none, the glob is not valid, or several bots have the program.
    pub(super) fn named(&self, name: &str) -> Result<Vec<usize>> {
        let invalid = |why| Error::failed(ErrorKind::NoSuchBot, "find bot", escape(name), why);
        let selector = BotSelector::parse(name).map_err(invalid)?;
        let found = match &selector {
            BotSelector::Program(path) => self.with_program(path, &[])?,
            selector => self.bots.units.select(selector),
        };
        // A monitor may have no bots, which is no mistake of a command for all.
        if found.is_empty() && selector != BotSelector::All {
            let why = match selector {
                BotSelector::Program(_) => "no bot runs this program",
                BotSelector::Glob(_) => "no bot matches it",
                _ => "no bot or group has this name",
            };
            return Err(Error::failed(ErrorKind::NoSuchBot, "find bot", escape(name), why));
        }
        Ok(found)
    }

    /// Returns the bots that a start means. A program of none becomes a bot, until it is destroyed.
    ///
    /// # Errors
    /// There is no such bot, or the program cannot become one.
    pub(super) fn named_or_adopted(&mut self, name: &str) -> Result<Vec<usize>> {
        let is_program = name.starts_with('/') && Path::new(name).file_name().is_some();
        match self.named(name) {
            Err(error) if error.kind() == ErrorKind::NoSuchBot && is_program => self.adopt(Path::new(name)),
            found => found,
        }
    }

    /// Returns the bots that a program with arguments means: those that are it already, or a new one, until it is destroyed.
    ///
    /// # Errors
    /// It cannot become a bot, or another bot has its name.
    pub(super) fn added_by_hand(&mut self, bot: Bot) -> Result<Vec<usize>> {
        let has_own_name = bot.command.file_name() != Some(OsStr::new(&bot.name));
        let found = self.with_program(&bot.command, &bot.arguments)?;
        if !found.is_empty()
            && (!has_own_name || found.iter().any(|index| self.bots.units[*index].bot.name == bot.name))
        {
            return Ok(found);
        }
        self.add_temporary(bot)
    }

    /// Returns the bots that run this program with these arguments; if there is none, and no arguments are given, those that
    /// run it with any arguments.
    fn with_program(&self, path: &Path, arguments: &[OsString]) -> Result<Vec<usize>> {
        let all = || self.bots.units.all().filter(|index| self.bots.units[*index].bot.command == path);
        let mut found: Vec<usize> = all().filter(|index| self.bots.units[*index].bot.arguments == arguments).collect();
        if found.is_empty() && arguments.is_empty() {
            found = all().collect();
        }
        let families: BTreeSet<&str> = found.iter().map(|index| self.bots.units[*index].bot.family()).collect();
        if families.len() < 2 {
            return Ok(found);
        }
        let mut names: Vec<String> = families.iter().take(MAX_NAMED).map(|name| format!("`{name}`")).collect();
        if families.len() > MAX_NAMED {
            names.push(format!("{} more", families.len() - MAX_NAMED));
        }
        let why = format!("it is the program of several bots: write one of their names, {}", names.join(", "));
        Err(Error::failed(ErrorKind::Failed, "find bot", escape_bytes(path.as_os_str().as_bytes()), why))
    }

    /// Returns the bot in no configuration that runs the same program with the same arguments as this one.
    pub(super) fn started_by_hand(&self, bot: &Bot) -> Option<usize> {
        let is_same = |unit: &SupervisedBot| {
            unit.temporary && unit.bot.command == bot.command && unit.bot.arguments == bot.arguments
        };
        self.bots.units.all().find(|index| is_same(&self.bots.units[*index]))
    }

    fn adopt(&mut self, path: &Path) -> Result<Vec<usize>> {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        self.add_temporary(Bot::new(name, path).autostart(false))
    }

    /// Adds a bot that is in no configuration.
    fn add_temporary(&mut self, bot: Bot) -> Result<Vec<usize>> {
        let program = escape_bytes(bot.command.as_os_str().as_bytes()).into_owned();
        let failed = |why: &str| Error::failed(ErrorKind::Configuration, "start program", &program, why);
        if self.shutdown.is_some() {
            return Err(Error::new(ErrorKind::Stopping, "failed to take the command: the monitor is stopping"));
        }
        if !is_a_name(&bot.name) {
            return Err(failed("its name has other characters than letters, digits and `-_.@+`, or none"));
        }
        if !self.bots.units.find(&bot.name).is_empty() {
            return Err(failed(&format!("there is another bot `{}`", bot.name)));
        }
        bot.check().map_err(|why| Error::new(ErrorKind::Configuration, format!("failed to start program: {why}")))?;
        let index = self.bots.add(Arc::new(bot), true);
        self.bots.connect();
        Ok(vec![index])
    }
}

/// Returns `true` if a bot may have this name.
fn is_a_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fits) && !name.starts_with('.')
}
