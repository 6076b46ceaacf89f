//! A restart and a kill by hand: what becomes of those that depend on the bot.

use super::unit::After;
use super::{Engine, dependencies};
use crate::status::State;

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
        for index in self.marked_to_restart(index) {
            self.leave(index);
        }
        self.start_those_before(index);
    }

    /// Marks a bot, and those that depend on it, directly or not: those that run come back, the others stay what they are.
    fn marked_to_restart(&mut self, index: usize) -> Vec<usize> {
        // A bot that is marked to stop is left out: what follows its stop is decided already.
        let is_marked = |bot| self.unit(bot).leaving.is_some_and(|after| after != After::Stay);
        let found = dependencies::with_dependents(self, index, is_marked);
        for at in found.iter().copied() {
            let unit = self.unit(at);
            let after = match unit.state {
                _ if at == index => After::Start,
                State::Running | State::Suspended | State::Starting => After::Start,
                State::Stopping => unit.after,
                State::Waiting | State::BackingOff | State::Stopped | State::GaveUp | State::Exited | State::Failed => {
                    After::Stay
                }
            };
            self.is_to_leave(at, after);
        }
        found
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
