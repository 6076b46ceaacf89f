//! A reload: puts a configuration in force, and changes only what differs.

use super::bot_state::{BotEvent, NextState};
use super::state::Engine;
use super::{descriptor_limit, lost_output};
use crate::bot::Bot;
use crate::command_queue::Answer;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Parallel;
use crate::reload_plan::{ChangedBot, ReloadPlan};
use crate::status::State;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Engine {
    /// Puts a configuration in force, unless it is a `dry_run`; bots in no configuration stay. Returns what changes.
    pub(super) fn replace(&mut self, config: Config, parallel: Parallel, dry_run: bool) -> Result<Answer> {
        if self.shutdown.is_some() {
            return Err(Error::new(ErrorKind::Stopping, "failed to reload: the monitor is stopping"));
        }
        let bots: Vec<Arc<Bot>> = config.bots.into_iter().flat_map(Bot::into_units).map(Arc::new).collect();
        let (old, new) = (self.configured.iter().map(Arc::as_ref), bots.iter().map(Arc::as_ref));
        let running = |name: &str| self.bots.units[self.bots.units.named(name)?].running();
        let plan = ReloadPlan::between_units((&self.settings, old), (&config.settings, new), running);
        if !dry_run {
            (self.settings, self.configured) = (config.settings, bots);
            self.bots.stop_timeout = self.settings.stop_timeout;
            self.bots.set_webhook(self.settings.webhook.as_ref());
            descriptor_limit::warn_of_shortage(&self.configured);
            lost_output::warn_of_lost_output(&self.configured);
            self.apply(&plan, parallel);
            self.bots.update_schedules();
            // Addresses that the configuration does not have any more. The processes that run have them until they end.
            self.bots.release_sockets();
        }
        Ok(Answer::Plan(Box::new(plan)))
    }

    fn apply(&mut self, plan: &ReloadPlan, parallel: Parallel) {
        // One that was removed and is back before it is gone is still there, and so may be one that was started by its path.
        for bot in self.configured.clone() {
            self.specify(bot);
        }
        for Bot { name, .. } in &plan.removed {
            if let Some(index) = self.bots.units.named(name) {
                self.bots.units[index].bot_state.mark_to_stop(NextState::Forgotten);
            }
        }
        self.bots.connect();
        // The bots that were removed, in order, and those that were held up by a dependent that has gone.
        for index in self.bots.units.all().collect::<Vec<_>>() {
            self.bots.stop_if_unneeded(index);
        }
        let restarted = plan.restarted.iter().filter_map(|ChangedBot { bot, .. }| self.bots.units.named(&bot.name));
        self.renew(&restarted.collect::<Vec<_>>(), parallel);
        let changed = plan.changed_live.iter().filter_map(|ChangedBot { bot, .. }| self.bots.units.named(&bot.name));
        self.adapt(&changed.collect());
        for bot in &plan.added {
            self.welcome(bot);
        }
    }

    /// Gives a bot its new specification, or adds it.
    fn specify(&mut self, bot: Arc<Bot>) {
        match self.bots.units.named(&bot.name) {
            Some(index) => self.bots.units[index].specify(bot),
            None => match self.started_by_hand(&bot) {
                // A second one would be the same program twice.
                Some(index) => self.bots.rename(index, bot),
                None => drop(self.bots.add(bot, false)),
            },
        }
    }

    /// Applies changes that need no restart: where the output goes, and how the bots become ready.
    fn adapt(&mut self, bots: &BTreeSet<usize>) {
        if !bots.is_empty() {
            self.bots.retarget(bots);
        }
        for index in bots.iter().copied() {
            self.bots.on(index, BotEvent::ReadinessChanged);
            self.bots.update_checks(index);
            self.bots.watch_memory(index);
            self.bots.limit_cgroup(index);
        }
    }

    /// Starts a bot that is new in the configuration, if it has `autostart`.
    fn welcome(&mut self, bot: &Bot) {
        let Some(index) = self.bots.units.named(&bot.name) else { return };
        let (unit, now) = (&mut self.bots.units[index], self.bots.now);
        unit.bot_state.set_mark(None);
        unit.answer_waiters(now);
        if unit.bot_state.has_run() || unit.state() == State::Stopping {
            // A removed bot, or one that was started by its path, may still run under this name: stop it first.
            let next = if unit.bot.autostart { NextState::Started } else { NextState::Stopped };
            self.bots.on(index, BotEvent::StopRequested(next));
        } else if unit.bot.autostart && unit.state().is_down() {
            self.bots.begin(index);
        }
    }
}
