//! One command for many bots: it is begun for all of them in one turn, so that no event comes in between, and the outcome
//! for each is reported by itself.

use super::pending_reply::PendingReply;
use super::state::Engine;
use super::supervised_bot::SupervisedBot;
use super::supervisor::Supervisor;
use crate::bot::ALL_BOTS;
use crate::command_queue::{AffectedBots, Answer, BotAction, ManyBots, Responder};
use crate::error::{Error, ErrorKind, Result};
use crate::status::State;
use daemonize_core::Signal;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The bots that a command selects.
#[derive(Default)]
struct Selected {
    /// In the order of the words; `true` for a bot that only `all` selects.
    bots: Vec<(usize, bool)>,
    seen: BTreeSet<usize>,
    unknown: Vec<(String, Error)>,
}

impl Selected {
    /// Adds bots, each once.
    fn add(&mut self, bots: impl IntoIterator<Item = usize>, by_all: bool) {
        for bot in bots {
            if self.seen.insert(bot) {
                self.bots.push((bot, by_all));
            }
        }
    }
}

impl Engine {
    /// Carries out a command for many bots. Answers when that was begun, with the bots that it applies to; the
    /// outcome of each is reported when it was begun or, with `when_done`, when the bot is up or down.
    pub(super) fn command_many(&mut self, many: &ManyBots, when_done: bool, responder: &Responder) {
        let is_stop = matches!(many.action, BotAction::Stop | BotAction::Destroy);
        if self.shutdown.is_some() && !many.dry_run && !(is_stop && when_done) {
            let why = Error::new(ErrorKind::Stopping, "failed to take the command: the monitor is stopping");
            return responder.answer(Err(why));
        }
        let Selected { bots, seen, unknown } = self.select(many);
        let names = |bots: &[usize]| bots.iter().map(|index| self.bots.units[*index].bot.name.clone()).collect();
        let selected: Vec<usize> = bots.iter().map(|(index, _)| *index).collect();
        let stopped = match many.action {
            BotAction::Restart(parallel) => self.restarted_at_once(&seen, parallel),
            _ => seen.clone(),
        };
        let along = self.bots.stopped_with(&stopped, many.action);
        let also: Vec<usize> = along.iter().copied().filter(|index| !seen.contains(index)).collect();
        let affected = AffectedBots { selected: names(&selected), also: names(&also), unknown };
        if let (BotAction::Restart(parallel), false) = (many.action, many.dry_run) {
            // All together: instances of one bot are restarted one after another.
            self.begin_restarts(&selected, parallel);
        }
        // One of them may be removed by what is done to another one: its name is known from before.
        for ((index, by_all), name) in bots.into_iter().zip(affected.selected.clone()).filter(|_| !many.dry_run) {
            let report = Arc::clone(&many.report);
            let outcome = responder.part(move |outcome| report(&name, outcome.map(drop)));
            match many.action {
                BotAction::Signal(signal) => {
                    outcome.answer(self.bots.signal_process(index, signal).map(|()| Answer::Done));
                }
                BotAction::Freeze(is_to_freeze) => {
                    outcome.answer(self.bots.freeze(index, is_to_freeze).map(|()| Answer::Done));
                }
                action => self.begin_action(index, action, by_all, when_done, outcome),
            }
        }
        // After all was begun: what has an outcome already has reported it.
        responder.answer(Ok(Answer::Affected(Box::new(affected))));
    }

    /// Begins to start or stop one bot, unless it was removed by what the command did to another one.
    fn begin_action(&mut self, index: usize, action: BotAction, by_all: bool, when_done: bool, outcome: Responder) {
        let reply = PendingReply::new(1, outcome);
        if self.bots.units.get(index).is_none() {
            return reply.removed();
        }
        match action {
            // One that has ended with success is up, and would do its work twice.
            BotAction::Start if by_all && self.bots.units[index].state() == State::Exited => {}
            BotAction::Start => self.bots.start_by_hand(index),
            // During a shutdown, all bots are being stopped in order already.
            BotAction::Stop if self.shutdown.is_some() => {}
            BotAction::Stop => self.bots.stop_with_dependents(index),
            BotAction::Destroy => self.bots.destroy(index),
            BotAction::Restart(_) | BotAction::Await | BotAction::Signal(_) | BotAction::Freeze(_) => {}
        }
        if matches!(action, BotAction::Restart(_) | BotAction::Await) {
            return self.answer_when_up(index, &reply, when_done);
        }
        let is_for_up = action == BotAction::Start;
        let now = self.bots.now;
        match self.bots.units.get_mut(index) {
            None => reply.removed(),
            Some(unit) if when_done => unit.add_waiter(is_for_up, &reply, now),
            Some(unit) => reply.done(Ok(unit.status(now))),
        }
    }

    /// Finds the bots that the words of a command select.
    fn select(&mut self, many: &ManyBots) -> Selected {
        let mut selected = Selected::default();
        let Some(words) = &many.words else {
            selected.add(self.applicable(many.action), true);
            return selected;
        };
        for word in words {
            if word == ALL_BOTS {
                selected.add(self.applicable(many.action), true);
                continue;
            }
            let is_start = many.action == BotAction::Start && !many.dry_run;
            let found = if is_start { self.named_or_adopted(word) } else { self.named(word) };
            match found {
                Ok(found) => selected.add(found, false),
                Err(error) => selected.unknown.push((word.clone(), error)),
            }
        }
        selected
    }

    /// Returns the bots that a command for all applies to.
    fn applicable(&self, action: BotAction) -> Vec<usize> {
        self.bots.units.all().filter(|index| applies_to(action, &self.bots.units[*index])).collect()
    }
}

impl Supervisor {
    /// Sends a signal to the process of a bot.
    ///
    /// # Errors
    /// It does not run, or the signal cannot be sent.
    pub(super) fn signal_process(&self, index: usize, signal: Signal) -> Result<()> {
        let unit = &self.units[index];
        let failed = |why: String| Error::failed(ErrorKind::Failed, "signal bot", &unit.bot.name, why);
        let process = unit.living_process().ok_or_else(|| failed("it does not run".to_owned()))?;
        process.handle.send(signal).map_err(|error| failed(crate::error::cause(&error)))
    }
}

/// Returns `true` if a command for all bots applies to this one.
fn applies_to(action: BotAction, unit: &SupervisedBot) -> bool {
    let state = unit.state();
    match action {
        BotAction::Start | BotAction::Await => unit.bot.autostart,
        BotAction::Restart(_) => unit.bot.autostart || !state.is_down(),
        BotAction::Signal(_) => unit.living_process().is_some(),
        BotAction::Freeze(true) => unit.bot_state.may_be_frozen() && unit.bot_state.frozen_since().is_none(),
        BotAction::Freeze(false) => unit.bot_state.frozen_since().is_some(),
        BotAction::Stop | BotAction::Destroy => !state.is_down() || matches!(state, State::GaveUp | State::Failed),
    }
}
