//! Another configuration than before: only what differs changes.

use super::Engine;
use super::unit::After;
use crate::bot::Bot;
use crate::command_queue::Answer;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::reload::{Changed, Plan};
use crate::status::State;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Engine {
    /// From now on this is the configuration; bots in none stay. What that means is told, and done unless it is `dry_run`.
    pub(super) fn replace(&mut self, config: Config, dry_run: bool) -> Result<Answer> {
        if self.shutdown.is_some() {
            return Err(Error::new(ErrorKind::Stopping, "failed to reload: the monitor is stopping"));
        }
        let bots: Vec<Arc<Bot>> = config.bots.into_iter().flat_map(Bot::into_units).map(Arc::new).collect();
        let (old, new) = (self.bots.iter().map(Arc::as_ref), bots.iter().map(Arc::as_ref));
        let plan = Plan::between_units((&self.settings, old), (&config.settings, new));
        if !dry_run {
            (self.settings, self.bots) = (config.settings, bots);
            self.count_descriptors();
            self.warn_of_lost_output();
            self.apply(&plan);
        }
        Ok(Answer::Plan(Box::new(plan)))
    }

    fn apply(&mut self, plan: &Plan) {
        // One that was removed and is back before it is gone is still there, and so may be one that was started by its path.
        for bot in self.bots.clone() {
            self.specify(bot);
        }
        for Bot { name, .. } in &plan.removed {
            if let Some(index) = self.names.get(name.as_str()).copied() {
                self.is_to_leave(index, After::Forget);
            }
        }
        self.wire();
        // Those that were removed, in order, and whoever was held up by a dependency that is no more.
        for index in self.names.values().copied().collect::<Vec<_>>() {
            self.leave(index);
        }
        for Changed { bot, .. } in &plan.restarted {
            self.renew(bot);
        }
        let changed =
            plan.changed_live.iter().filter_map(|Changed { bot, .. }| self.names.get(bot.name.as_str()).copied());
        self.adapt(&changed.collect());
        for bot in &plan.added {
            self.welcome(bot);
        }
    }

    /// What a bot is to be from now on.
    fn specify(&mut self, bot: Arc<Bot>) {
        match self.names.get(bot.name.as_str()).copied() {
            Some(index) => {
                let unit = self.unit_mut(index);
                unit.bot = bot;
                unit.temporary = false;
            }
            None => match self.started_by_hand(&bot) {
                // A second one would be the same program twice.
                Some(index) => self.rename(index, bot),
                None => drop(self.add(bot, false)),
            },
        }
    }

    /// What runs is replaced by what shall run, and what was given up for what it was is tried again; what does not run
    /// for another reason is started as usual, when it is.
    fn renew(&mut self, bot: &Bot) {
        let Some(index) = self.names.get(bot.name.as_str()).copied() else { return };
        let unit = self.unit_mut(index);
        match unit.state {
            State::Running | State::Suspended | State::Starting if unit.leaving.is_none() => {
                self.stop(index, After::Start);
            }
            State::GaveUp => {
                unit.history.forget();
                self.begin(index);
            }
            _ => {}
        }
    }

    /// They run on: what they say goes where it shall go now, and they are ready when they shall be.
    fn adapt(&mut self, bots: &BTreeSet<usize>) {
        if !bots.is_empty() {
            self.retarget(bots);
        }
        for index in bots.iter().copied() {
            if self.unit(index).state == State::Starting && !self.is_being_made(index) {
                self.end_probe(index);
                self.await_ready(index);
            }
        }
    }

    /// A bot that is new in the configuration.
    fn welcome(&mut self, bot: &Bot) {
        let Some(index) = self.names.get(bot.name.as_str()).copied() else { return };
        let is_being_made = self.is_being_made(index);
        let unit = self.unit_mut(index);
        unit.leaving = None;
        if is_being_made || unit.process.is_some() || unit.state == State::Stopping {
            // What runs under its name was removed before, or started by its path: it makes room.
            let after = if unit.bot.autostart { After::Start } else { After::Rest };
            self.stop(index, after);
        } else if unit.bot.autostart && unit.state.is_down() {
            self.begin(index);
        }
    }
}
