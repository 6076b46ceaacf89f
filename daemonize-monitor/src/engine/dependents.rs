//! The bots that a command takes along, because they depend on those that it stops.

use super::supervisor::Supervisor;
use crate::command_queue::BotAction;
use crate::status::State;
use std::collections::BTreeSet;

impl Supervisor {
    /// Returns the bots that are stopped with these, because they depend on them, directly or not, and that run or are about
    /// to, in the order of their names.
    pub(super) fn stopped_with(&self, bots: &BTreeSet<usize>, action: BotAction) -> Vec<usize> {
        let is_affected = |state: State| match action {
            BotAction::Stop | BotAction::Destroy => !state.is_down() && state != State::Stopping,
            BotAction::Restart(_) => matches!(state, State::Running | State::Suspended | State::Starting),
            BotAction::Start | BotAction::Await | BotAction::Signal(_) | BotAction::Freeze(_) => false,
        };
        let mut next: Vec<usize> = bots
            .iter()
            .copied()
            // A restart of a bot that has no process starts it, and stops nothing.
            .filter(|index| !matches!(action, BotAction::Restart(_)) || self.units[*index].bot_state.has_run())
            .collect();
        let mut seen: BTreeSet<usize> = bots.clone();
        while let Some(at) = next.pop() {
            next.extend(self.units[at].dependents.iter().copied().filter(|other| seen.insert(*other)));
        }
        let is_also = |index: &usize| !bots.contains(index) && is_affected(self.units[*index].state());
        self.units.all().filter(|index| seen.contains(index)).filter(is_also).collect()
    }
}
