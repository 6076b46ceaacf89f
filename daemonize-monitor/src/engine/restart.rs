//! Restarts by command and by reload: one bot with all that depends on it, or the instances of a bot one after another.

use super::bot_state::{BotEvent, NextState};
use super::pending_reply::PendingReply;
use super::state::Engine;
use crate::bot::family;
use crate::command_queue::Responder;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Parallel;
use crate::status::State;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Engine {
    /// Restarts the bots of these names, and answers: at once, or when all are up. Instances of a bot beyond `parallel` roll; others are
    /// restarted with all that depends on them.
    pub(super) fn restart(&mut self, names: &[String], parallel: Parallel, when_done: bool, responder: &Responder) {
        if self.shutdown.is_some() {
            let why = Error::new(ErrorKind::Stopping, "failed to take the command: the monitor is stopping");
            return responder.answer(Err(why));
        }
        let found = match self.all_named(names) {
            Ok(found) => found,
            Err(error) => return responder.answer(Err(error)),
        };
        let reply = PendingReply::new(found.len(), responder.clone());
        for (family, instances) in self.by_family(&found) {
            if parallel == Parallel::All {
                self.bots.dissolve_roll(&family);
            }
            if instances.len() > parallel.count() || self.bots.is_rolling(&family) {
                self.bots.roll(&instances, parallel.count(), true);
            } else {
                instances.iter().for_each(|index| self.bots.restart_by_hand(*index));
            }
        }
        self.answer_when_up(&found, &reply, when_done);
    }

    /// Answers when the bots of a name are up, and the rolling restarts that they take part in are over.
    pub(super) fn await_up(&mut self, name: &str, when_done: bool, responder: &Responder) {
        match self.named(name) {
            Err(error) => responder.answer(Err(error)),
            Ok(found) => {
                let reply = PendingReply::new(found.len(), responder.clone());
                self.answer_when_up(&found, &reply, when_done);
            }
        }
    }

    fn answer_when_up(&mut self, bots: &[usize], reply: &Rc<PendingReply>, when_done: bool) {
        for index in bots.iter().copied() {
            match self.bots.units.get(index) {
                // It was removed at once.
                None => reply.removed(),
                Some(_) if when_done => self.bots.await_turn(index, reply),
                Some(unit) => reply.done(Ok(unit.status(self.bots.now))),
            }
        }
    }

    /// Restarts bots whose programs a reload has changed: those that run, instances of one bot one after another, and those that were
    /// given up. One that does not run for another reason is started as usual.
    pub(super) fn renew(&mut self, bots: &[usize], parallel: Parallel) {
        let is_to_restart = |index: &usize| {
            let unit = &self.bots.units[*index];
            match unit.state() {
                State::Running | State::Suspended | State::Starting => unit.bot_state.stop_mark().is_none(),
                state => state == State::GaveUp,
            }
        };
        let bots: Vec<usize> = bots.iter().copied().filter(is_to_restart).collect();
        for (family, instances) in self.by_family(&bots) {
            if parallel == Parallel::All {
                self.bots.dissolve_roll(&family);
            }
            if instances.len() > parallel.count() || self.bots.is_rolling(&family) {
                self.bots.roll(&instances, parallel.count(), false);
            } else {
                instances.iter().for_each(|index| self.renew_at_once(*index));
            }
        }
    }

    fn renew_at_once(&mut self, index: usize) {
        let unit = &mut self.bots.units[index];
        if unit.state() == State::GaveUp {
            unit.bot_state.forget_history();
            self.bots.begin(index);
        } else {
            self.bots.on(index, BotEvent::StopRequested(NextState::Started));
        }
    }

    /// Returns the bots of several names, each once.
    fn all_named(&self, names: &[String]) -> Result<Vec<usize>> {
        let mut all = Vec::new();
        for name in names {
            all.extend(self.named(name)?);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Sorts bots by the family that they are instances of; a bot without instances is a family of its own.
    fn by_family(&self, bots: &[usize]) -> BTreeMap<String, Vec<usize>> {
        let mut families: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for index in bots.iter().copied() {
            families.entry(family(&self.bots.units[index].bot.name).to_owned()).or_default().push(index);
        }
        families
    }
}
