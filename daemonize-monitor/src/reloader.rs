//! The configuration that is in force, and how another takes its place.

use crate::bot::Bot;
use crate::commands::Commands;
use crate::config::{Config, Mistakes};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::record::Recorder;
use crate::reload::{Changed, Plan};
use crate::settings::Settings;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file of a monitor, and what of it is in force.
pub(crate) struct Reloader {
    path: PathBuf,
    recorder: &'static Recorder,
    now: Mutex<Now>,
}

struct Now {
    settings: Settings,
    bots: Vec<Bot>,
    /// The place of each bot in the configuration.
    places: HashMap<String, usize>,
    /// Why what the file says now is not in force.
    problem: Option<String>,
}

/// Why nothing has changed.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    /// The mistakes in the configuration, if that is why.
    pub(crate) mistakes: Vec<String>,
}

impl Reloader {
    /// Reads the configuration for the first time.
    pub(crate) fn new(path: &Path) -> Result<Reloader> {
        let path = std::path::absolute(path).map_err(|error| Error::system("find the configuration", &error))?;
        let config = Config::read(&path).map_err(|mistakes| wrong(&path, &mistakes))?;
        let recorder = Recorder::for_monitor(&config.settings);
        let (places, settings, bots) = (places(&config.bots), config.settings, config.bots);
        let now = Mutex::new(Now { settings, bots, places, problem: None });
        Ok(Reloader { path, recorder, now })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn recorder(&self) -> &'static Recorder {
        self.recorder
    }

    pub(crate) fn settings(&self) -> Settings {
        self.now().settings.clone()
    }

    pub(crate) fn bots(&self) -> Vec<Bot> {
        self.now().bots.clone()
    }

    /// Why what the file says now is not in force.
    pub(crate) fn problem(&self) -> Option<String> {
        self.now().problem.clone()
    }

    /// Puts things in the order of the configuration, by the name of the bot that each is about; others behind.
    pub(crate) fn sort<T>(&self, things: &mut [T], name: impl Fn(&T) -> &str) {
        let now = self.now();
        things.sort_by_key(|thing| now.places.get(name(thing)).copied().unwrap_or(usize::MAX));
    }

    /// The bots as the file says them now, which are in force from now on: for the reload that SIGHUP asks for.
    ///
    /// # Errors
    /// What is wrong with it, which is remembered.
    pub(crate) fn read_again(&self) -> Result<Vec<Bot>> {
        self.take().map(|(bots, _)| bots).map_err(|mistakes| wrong(&self.path, &mistakes))
    }

    /// Reads the configuration again; tells what that changes, and changes it unless it is only asked for.
    ///
    /// # Errors
    /// What is wrong with it: then nothing has changed.
    pub(crate) fn reload(&self, commands: &Commands, dry_run: bool) -> Result<json::Plan, Refused> {
        if dry_run {
            let config = Config::read(&self.path).map_err(|mistakes| self.refused(&mistakes))?;
            let now = self.now();
            return Ok(told(&Plan::between((&now.settings, &now.bots), (&config.settings, &config.bots))));
        }
        let read = || self.take().map_err(|mistakes| self.refused(&mistakes));
        commands.reload_by(read, |error| Refused { message: error.to_string(), mistakes: Vec::new() })
    }

    /// Reads the file and puts it in force, as far as this process goes: the engine is told by the caller.
    fn take(&self) -> Result<(Vec<Bot>, json::Plan), Mistakes> {
        let config = Config::read(&self.path).inspect_err(|mistakes| {
            log::error!("failed to reload `{}`: {mistakes}", self.path.display());
            self.now().problem = Some(mistakes.to_string());
        })?;
        for warning in &config.warnings {
            log::warn!("{warning}");
        }
        self.recorder.configure(&config.settings);
        let mut now = self.now();
        let plan = Plan::between((&now.settings, &now.bots), (&config.settings, &config.bots));
        log::info!("reloaded `{}`: {}", self.path.display(), plan.to_string().trim_end().replace('\n', "; "));
        *now = Now { places: places(&config.bots), settings: config.settings, bots: config.bots.clone(), problem: None };
        Ok((config.bots, told(&plan)))
    }

    fn refused(&self, mistakes: &Mistakes) -> Refused {
        let message = format!("failed to reload `{}`: {}, nothing was changed", self.path.display(), count(mistakes));
        Refused { message, mistakes: mistakes.iter().map(ToString::to_string).collect() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wrong(path: &Path, mistakes: &Mistakes) -> Error {
    let text = format!("failed to read the configuration `{}`: {}:\n{mistakes}", path.display(), count(mistakes));
    Error::new(ErrorKind::Configuration, text)
}

fn count(mistakes: &Mistakes) -> String {
    match mistakes.iter().len() {
        1 => "there is a mistake in it".to_owned(),
        count => format!("there are {count} mistakes in it"),
    }
}

fn places(bots: &[Bot]) -> HashMap<String, usize> {
    bots.iter().flat_map(Bot::units).map(|bot| bot.name).zip(0..).collect()
}

/// A plan as it is told.
fn told(plan: &Plan) -> json::Plan {
    let names = |bots: &[Bot]| bots.iter().map(|bot| bot.name.clone()).collect();
    let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
    let changes = |changes: &[Changed]| {
        changes.iter().map(|change| json::Change { name: change.bot.name.clone(), why: keys(&change.keys) }).collect()
    };
    json::Plan {
        added: names(&plan.added),
        removed: names(&plan.removed),
        restarted: changes(&plan.restarted),
        changed: changes(&plan.changed_live),
        untouched: plan.untouched.len(),
        settings: keys(&plan.settings),
        settings_later: keys(&plan.settings_later),
    }
}
