//! Restarts by command and by reload: one bot with all that depends on it, or the instances of a bot one after another.

use super::bot_state::{BotEvent, NextState};
use super::pending_reply::PendingReply;
use super::state::Engine;
use crate::bot::family;
use crate::command_queue::Responder;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Parallel;
use crate::status::State;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

impl Engine {
    /// Restarts the bots that were found, and answers: at once, or when all are up.
    pub(super) fn restart(
        &mut self,
        found: Result<Vec<usize>>,
        parallel: Parallel,
        when_done: bool,
        responder: &Responder,
    ) {
        if self.shutdown.is_some() {
            let why = Error::new(ErrorKind::Stopping, "failed to take the command: the monitor is stopping");
            return responder.answer(Err(why));
        }
        let found = match found {
            Ok(found) => found,
            Err(error) => return responder.answer(Err(error)),
        };
        self.begin_restarts(&found, parallel);
        let reply = PendingReply::new(found.len(), responder.clone());
        for index in found {
            self.answer_when_up(index, &reply, when_done);
        }
    }

    /// Restarts bots. Instances of a bot beyond `parallel` roll; others are restarted with all that depends on them.
    pub(super) fn begin_restarts(&mut self, bots: &[usize], parallel: Parallel) {
        let families = self.by_family(bots).into_iter();
        let (rolling, at_once): (Vec<_>, Vec<_>) =
            families.partition(|(family, instances)| self.rolls(family, instances, parallel));
        // These first: an instance that one of them takes along has no turn of its own.
        for (family, instances) in at_once {
            self.bots.dissolve_roll(&family);
            for index in instances {
                self.bots.restart_by_hand(index);
            }
        }
        for (_, instances) in rolling {
            self.bots.roll(&instances, parallel.count(), true);
        }
    }

    /// Returns those of these bots that a restart stops with all that depends on them.
    pub(super) fn restarted_at_once(&self, bots: &BTreeSet<usize>, parallel: Parallel) -> BTreeSet<usize> {
        let families = self.by_family(&bots.iter().copied().collect::<Vec<_>>()).into_iter();
        families
            .filter(|(family, instances)| !self.rolls(family, instances, parallel))
            .flat_map(|(_, bots)| bots)
            .collect()
    }

    /// Returns `true` if these instances are restarted one after another. An instance joins the roll of its family.
    fn rolls(&self, family: &str, instances: &[usize], parallel: Parallel) -> bool {
        parallel != Parallel::All && (instances.len() > parallel.count() || self.bots.is_rolling(family))
    }

    /// Answers a command for one bot: at once, or when it is up and its turn in a rolling restart is over.
    pub(super) fn answer_when_up(&mut self, index: usize, reply: &Rc<PendingReply>, when_done: bool) {
        match self.bots.units.get(index) {
            // It was removed at once.
            None => reply.removed(),
            Some(_) if when_done => self.bots.await_turn(index, reply),
            Some(unit) => reply.done(Ok(unit.status(self.bots.now))),
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
            if self.rolls(&family, &instances, parallel) {
                self.bots.roll(&instances, parallel.count(), false);
            } else {
                // A roll that has failed before is no answer to those that wait for this restart.
                self.bots.dissolve_roll(&family);
                for index in instances {
                    self.renew_at_once(index);
                }
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

    /// Sorts bots by the family that they are instances of; a bot without instances is a family of its own.
    fn by_family(&self, bots: &[usize]) -> BTreeMap<String, Vec<usize>> {
        let mut families: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for index in bots.iter().copied() {
            families.entry(family(&self.bots.units[index].bot.name).to_owned()).or_default().push(index);
        }
        families
    }
}
