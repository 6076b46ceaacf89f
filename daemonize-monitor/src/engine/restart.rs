//! A restart and a kill by hand: what becomes of those that depend on the bot.

use super::Engine;
use super::unit::After;
use crate::status::State;
use std::collections::BTreeSet;

impl Engine {
    /// Stops a bot after all that depend on it and run, as a stop does; then they all come back, in their order.
    pub(super) fn restart_by_hand(&mut self, index: usize) {
        if self.unit(index).is_removed() {
            return;
        }
        self.keep_up(index);
        self.unit_mut(index).history.forget();
        if self.unit(index).process.is_none() && !self.is_being_made(index) {
            return self.start_by_hand(index);
        }
        let leaving = self.those_to_restart(index);
        for index in leaving {
            self.leave(index);
        }
        self.start_those_before(index);
    }

    /// Notes that a bot, and those that depend on it, directly or not, are to go and to come back; who was noted.
    fn those_to_restart(&mut self, index: usize) -> Vec<usize> {
        let (mut next, mut seen) = (vec![index], BTreeSet::from([index]));
        let mut leaving = Vec::new();
        while let Some(at) = next.pop() {
            let unit = self.unit(at);
            let after = match unit.state {
                // It goes already, and what follows that is known.
                _ if unit.leaving.is_some() => None,
                _ if at == index => Some(After::Start),
                State::Running | State::Suspended | State::Starting => Some(After::Start),
                State::Stopping => Some(unit.after),
                _ => None,
            };
            if after.is_some_and(|after| self.is_to_leave(at, after)) {
                leaving.push(at);
            }
            next.extend(self.unit(at).dependents.iter().filter(|other| seen.insert(**other)));
        }
        leaving
    }

    /// Kills a bot at once, and stops all that depend on it, which a stop would have stopped before; what is in no configuration
    /// is forgotten.
    pub(super) fn destroy(&mut self, index: usize) {
        let unit = self.unit(index);
        let after = if unit.temporary || unit.is_removed() { After::Forget } else { After::Rest };
        if self.shutdown.is_none() {
            for other in self.unit(index).dependents.clone() {
                self.stop_with_dependents(other);
            }
        }
        if self.unit(index).process.is_some() {
            self.unit_mut(index).after = after;
            self.kill(index);
        } else {
            self.stop(index, after);
        }
    }
}
