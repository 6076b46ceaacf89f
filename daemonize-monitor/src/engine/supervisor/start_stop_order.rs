//! Starts and stops bots in the order of their [`dependencies`].

use super::Supervisor;
use crate::engine::bot_state::{BotEvent, NextState};
use crate::engine::dependencies;
use crate::status::State;
use std::collections::BTreeSet;

impl Supervisor {
    /// Starts a bot, at once or when the bots are ready that it depends on. Those of them that were never started, such as bots
    /// with `autostart = false`, are started too: otherwise the bot would wait for ever.
    pub(in crate::engine) fn begin(&mut self, index: usize) {
        if !self.is_shutting_down {
            for other in dependencies::stopped_below(&self.units, index) {
                let [name, dependent] = [other, index].map(|index| &self.units[index].bot.name);
                log::info!("bot `{name}` is started, because `{dependent}` depends on it");
                self.begin_alone(other);
            }
        }
        self.begin_alone(index);
    }

    fn begin_alone(&mut self, index: usize) {
        let waits_for = self.missing(index);
        self.on(index, BotEvent::Wanted { waits_for });
    }

    /// Returns why a bot cannot start yet: what it depends on, directly or through a finished job, and is not ready.
    pub(super) fn missing(&self, index: usize) -> Option<String> {
        let missing = dependencies::missing(&self.units, index)?;
        Some(format!("waits for `{}`", self.units[missing].bot.name))
    }

    /// Starts bots as an operator does who asks for this one.
    pub(in crate::engine) fn start_by_hand(&mut self, index: usize) {
        self.cancel_stop(index);
        let unit = &self.units[index];
        if unit.state() != State::Stopping || !unit.is_removed() {
            self.on(index, BotEvent::StartRequested);
        }
    }

    /// Starts the bots that a bot depends on.
    pub(super) fn start_dependencies(&mut self, index: usize) {
        for other in dependencies::needed_by(&self.units, index) {
            let unit = &self.units[other];
            // A job that has finished is not started again, also while it is marked in a restart of what it depends on.
            if (unit.state().is_down() || unit.state() == State::Stopping) && !unit.has_finished() {
                self.start_by_hand(other);
            }
        }
    }

    /// Starts the bots that have waited for this one, if it is ready.
    pub(super) fn start_dependents(&mut self, index: usize) {
        if !self.units[index].is_ready() {
            return;
        }
        for dependent in dependencies::waiting_for(&self.units, index) {
            if self.units[dependent].state() == State::Waiting {
                self.begin(dependent);
            }
        }
    }

    /// Starts those of these bots that wait for what they do not depend on any more.
    pub(super) fn begin_unblocked(&mut self, bots: &[usize]) {
        for index in bots.iter().copied() {
            let unit = &self.units[index];
            // Without a reason it is about to be started.
            let waits = unit.state() == State::Waiting && unit.bot_state.reason().is_some();
            if waits && unit.bot_state.reason() != self.missing(index).as_deref() {
                self.begin(index);
            }
        }
    }

    /// Finds out which bots depend on which, after bots have come or have other dependencies.
    pub(in crate::engine) fn connect(&mut self) {
        let all = self.units.connect_all();
        self.begin_unblocked(&all);
    }

    /// Returns `true` if bots have changed and it was not looked yet what follows from that.
    pub(in crate::engine) fn has_unsettled(&self) -> bool {
        !(self.unsettled.changed.is_empty() && self.unsettled.released.is_empty())
    }

    /// Carries out what follows from changes: tells subscribers, starts bots that waited for one to be ready, stops bots
    /// that waited for one to be down, until nothing more follows.
    pub(in crate::engine) fn settle_changes(&mut self) {
        let (mut is_releasing, mut rolling) = (false, BTreeSet::new());
        while self.has_unsettled() {
            for index in take_each_once(&mut self.unsettled.changed) {
                if let Some(unit) = self.units.get(index) {
                    rolling.extend(unit.rolling.is_some().then(|| unit.bot.family().to_owned()));
                    is_releasing |= unit.state().is_down() && !unit.bot.listen.is_empty();
                    self.publish(index);
                    self.start_dependents(index);
                    self.unsettled.released.extend(&self.units[index].dependencies);
                }
            }
            for family in std::mem::take(&mut rolling) {
                self.advance_roll(&family);
            }
            for index in take_each_once(&mut self.unsettled.released) {
                self.stop_if_unneeded(index);
            }
        }
        if is_releasing || self.unsettled.has_removed {
            self.release_sockets();
        }
        if self.unsettled.has_removed {
            let units = &self.units;
            self.failed_rolls.retain(|_, (failed, _)| units.contains(*failed));
            // An instance whose turn it was may have been removed.
            for family in self.rolls.keys().cloned().collect::<Vec<_>>() {
                self.advance_roll(&family);
            }
        }
        if std::mem::take(&mut self.unsettled.has_removed) {
            self.streams.close_removed(&self.units, &self.reactor);
        }
    }

    /// Stops a bot and all that depend on it, each when those are down that depend on it.
    pub(in crate::engine) fn stop_with_dependents(&mut self, index: usize) {
        let is_marked = |bot: usize| {
            matches!(self.units[bot].bot_state.stop_mark(), Some(NextState::Stopped | NextState::Forgotten))
        };
        let marked = dependencies::with_dependents(&self.units, index, is_marked);
        for index in &marked {
            self.units[*index].bot_state.mark_to_stop(NextState::Stopped);
        }
        for index in marked {
            self.stop_if_unneeded(index);
        }
    }

    /// Stops a bot that is marked to stop, unless a bot that depends on it has to be down first.
    pub(in crate::engine) fn stop_if_unneeded(&mut self, index: usize) {
        let is_marked = self.units.get(index).is_some_and(|unit| unit.bot_state.stop_mark().is_some());
        if is_marked && !dependencies::is_held(&self.units, index) {
            self.on(index, BotEvent::MarkedStopDue);
        }
    }

    /// Takes the marks of a stop from a bot that is wanted, and from all that it depends on. Whatever of them depends on a bot
    /// that restarts is marked to restart with it.
    pub(super) fn cancel_stop(&mut self, index: usize) {
        let mut kept = BTreeSet::new();
        let mut next = Vec::new();
        for at in dependencies::with_dependencies(&self.units, index) {
            let state = &mut self.units[at].bot_state;
            match state.stop_mark() {
                Some(NextState::Stopped) => {
                    state.set_mark(None);
                    kept.insert(at);
                }
                Some(NextState::Started | NextState::Unchanged) => next.push(at),
                _ => {}
            }
        }
        while let Some(below) = next.pop() {
            for at in self.units[below].dependents.clone().into_iter().filter(|at| kept.remove(at)) {
                let state = &mut self.units[at].bot_state;
                let is_busy = state.is_alive() || matches!(state.state(), State::Starting | State::Stopping);
                state.set_mark(Some(if is_busy { NextState::Started } else { NextState::Unchanged }));
                next.push(at);
            }
        }
        for at in kept.iter().copied() {
            // A stop of a bot that was down has nothing to wait for any more.
            self.units[at].answer_waiters(self.now);
        }
        // Others may wait for those that stay.
        self.unsettled.changed.extend(kept);
    }

    /// Stops a bot after all that depend on it and run, as a stop does; then they all come back, in their order.
    pub(in crate::engine) fn restart_by_hand(&mut self, index: usize) {
        if self.units[index].is_removed() {
            return;
        }
        self.cancel_stop(index);
        let state = &mut self.units[index].bot_state;
        state.forget_history();
        if !state.has_run() {
            return self.start_by_hand(index);
        }
        for index in self.mark_to_restart(index) {
            self.stop_if_unneeded(index);
        }
        self.start_dependencies(index);
    }

    /// Marks a bot, and those that depend on it, directly or not: those that run come back, the others stay what they are.
    fn mark_to_restart(&mut self, index: usize) -> Vec<usize> {
        // A bot that is marked to stop is left out: what follows its stop is decided already.
        let is_marked =
            |bot: usize| self.units[bot].bot_state.stop_mark().is_some_and(|mark| mark != NextState::Unchanged);
        let found = dependencies::with_dependents(&self.units, index, is_marked);
        for at in found.iter().copied() {
            let state = &mut self.units[at].bot_state;
            let next = match state.state() {
                _ if at == index => NextState::Started,
                State::Running | State::Suspended | State::Starting => NextState::Started,
                State::Stopping => state.next(),
                State::Waiting | State::BackingOff | State::Stopped | State::GaveUp | State::Exited | State::Failed => {
                    NextState::Unchanged
                }
            };
            state.mark_to_stop(next);
        }
        found
    }

    /// Kills a bot at once, and stops all that depend on it, which a stop would have stopped before; what is in no configuration
    /// is removed.
    pub(in crate::engine) fn destroy(&mut self, index: usize) {
        let unit = &self.units[index];
        let next = if unit.temporary || unit.is_removed() { NextState::Forgotten } else { NextState::Stopped };
        if !self.is_shutting_down {
            for other in self.units[index].dependents.clone() {
                self.stop_with_dependents(other);
            }
        }
        let has_process = self.units[index].process.is_some();
        self.on(index, if has_process { BotEvent::KillRequested(next) } else { BotEvent::StopRequested(next) });
    }
}

/// Takes all that a queue holds, each once.
fn take_each_once(queue: &mut Vec<usize>) -> Vec<usize> {
    let mut taken = std::mem::take(queue);
    taken.sort_unstable();
    taken.dedup();
    taken
}
