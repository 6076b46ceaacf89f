//! The configuration's file: how another takes its place, and what is wrong with it.

use crate::bot::Bot;
use crate::commands::{Commands, OnApplied};
use crate::config::{Config, Diagnostics};
use crate::error::{Error, Result};
use crate::json;
use crate::logger::MonitorLogger;
use crate::reload_plan::{Changed, Plan};
use daemonize_sys::mutex::lock;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// The file of a monitor, and what is known of it.
pub(crate) struct Reloader {
    path: PathBuf,
    logger: &'static MonitorLogger,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
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
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn new(path: &Path) -> Result<(Reloader, Config)> {
        let path = std::path::absolute(path).map_err(|error| Error::system("find the configuration", &error))?;
        let config = Config::read(&path)?;
        let logger = MonitorLogger::for_monitor(&config.settings);
        let now = Mutex::new(Now { places: places(&config.bots), problem: None });
        Ok((Reloader { path, logger, now }, config))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn logger(&self) -> &'static MonitorLogger {
        self.logger
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

    /// Reads the file, to put it in force unless it is a `dry_run`; what is left to do once the engine has taken it.
    ///
    /// # Errors
    /// What is wrong with it, which is remembered unless it is a `dry_run`: then nothing changes.
    pub(crate) fn read(self: &Arc<Self>, dry_run: bool) -> Result<(Config, OnApplied), Diagnostics> {
        let config = Config::read(&self.path).inspect_err(|mistakes| {
            if !dry_run {
                self.now().problem = Some(mistakes.to_string());
            }
        })?;
        let (this, settings, warnings) = (Arc::clone(self), config.settings.clone(), config.warnings.clone());
        let places = places(&config.bots);
        let on_applied = move || {
            for warning in warnings {
                log::warn!("{warning}");
            }
            this.logger.configure(&settings);
            *this.now() = Now { places, problem: None };
        };
        Ok((config, Box::new(on_applied)))
    }

    /// Reads the configuration again; tells what that changes, and changes it unless it is only asked for.
    ///
    /// # Errors
    /// What is wrong with it: then nothing has changed.
    pub(crate) fn reload(self: &Arc<Self>, commands: &Commands, dry_run: bool) -> Result<json::Plan, Refused> {
        let read = || {
            self.read(dry_run).map_err(|mistakes| {
                if !dry_run {
                    log::error!("{mistakes}");
                }
                self.refused(&mistakes)
            })
        };
        let failed = |error: Error| Refused { message: error.to_string(), mistakes: Vec::new() };
        let plan = commands.reload_by(read, failed, dry_run)?;
        if !dry_run {
            log::info!("reloaded `{}`: {}", self.path.display(), plan.to_string().trim_end().replace('\n', "; "));
        }
        Ok(told(&plan))
    }

    fn refused(&self, mistakes: &Diagnostics) -> Refused {
        let count = match mistakes.iter().len() {
            1 => "there is a mistake in it".to_owned(),
            count => format!("there are {count} mistakes in it"),
        };
        let message = format!("failed to reload `{}`: {count}, nothing was changed", self.path.display());
        Refused { message, mistakes: mistakes.lines().collect() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        lock(&self.now)
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
