//! Reloads the configuration file of a running monitor.

use crate::bot::Bot;
use crate::commands::{Commands, OnApplied};
use crate::config::{Config, Diagnostics};
use crate::error::{Error, Result};
use crate::json;
use crate::logger::MonitorLogger;
use crate::parallel::Parallel;
use crate::reload_plan::{ChangedBot, ReloadPlan};
use daemonize_sys::mutex::lock;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// The configuration file of a monitor, with the result of the last reload.
pub(crate) struct Reloader {
    path: PathBuf,
    logger: &'static MonitorLogger,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    /// The position of each bot in the configuration, by its name; sorted. A map would take twice the memory.
    places: Box<[(Box<str>, usize)]>,
    /// Why the last reload failed.
    problem: Option<String>,
}

/// A failed reload, which changed nothing.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    /// The errors in the configuration, if any.
    pub(crate) mistakes: Vec<String>,
}

impl Reloader {
    /// Reads the configuration for the first time.
    ///
    /// # Errors
    /// All errors in the configuration.
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

    /// Returns why the last reload failed.
    pub(crate) fn problem(&self) -> Option<String> {
        self.now().problem.clone()
    }

    /// Sorts items by the position of their bot in the configuration; unknown bots come last.
    pub(crate) fn sort<T>(&self, things: &mut [T], name: impl Fn(&T) -> &str) {
        let now = self.now();
        let found = |name: &str| now.places.binary_search_by(|(other, _)| (**other).cmp(name));
        let place = |name: &str| found(name).map(|found| now.places[found].1);
        things.sort_by_cached_key(|thing| place(name(thing)).unwrap_or(usize::MAX));
    }

    /// Reads the file. Returns the configuration, and a function to call once the engine has applied it.
    ///
    /// # Errors
    /// All errors in the configuration. Unless this is a `dry_run`, they are kept for the status.
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

    /// Reloads the configuration. Returns the plan, which is carried out unless this is a `dry_run`.
    ///
    /// # Errors
    /// All errors in the configuration; then nothing changes.
    pub(crate) fn reload(
        self: &Arc<Self>,
        commands: &Commands,
        parallel: Parallel,
        dry_run: bool,
    ) -> Result<json::Plan, Refused> {
        let read = || {
            self.read(dry_run).map_err(|mistakes| {
                if !dry_run {
                    log::error!("{mistakes}");
                }
                self.refused(&mistakes)
            })
        };
        let failed = |error: Error| Refused { message: error.to_string(), mistakes: Vec::new() };
        let plan = commands.reload_by(read, failed, parallel, dry_run)?;
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

fn places(bots: &[Bot]) -> Box<[(Box<str>, usize)]> {
    let mut places: Box<[_]> = bots.iter().flat_map(Bot::units).map(|bot| bot.name.into()).zip(0..).collect();
    places.sort_unstable();
    places
}

/// Converts a plan for JSON.
fn told(plan: &ReloadPlan) -> json::Plan {
    let names = |bots: &[Bot]| bots.iter().map(|bot| bot.name.clone()).collect();
    let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
    let changes = |changes: &[ChangedBot]| {
        changes
            .iter()
            .map(|change| json::ChangedKeys { name: change.bot.name.clone(), why: keys(&change.keys) })
            .collect()
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
