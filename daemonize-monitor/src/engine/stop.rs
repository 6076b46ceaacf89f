//! Stopping a bot: its group, step by step, and those of its descendants that left the group.

use super::starts::HANGS;
use super::unit::After;
use super::{Engine, children, dependencies};
use crate::counts::BuiltIn;
use crate::status::State;
use daemonize_core::Signal;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often what does not even end of SIGKILL is looked for and sent another one.
const AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Stops the bot; what follows is `after`. One that is being stopped already is not hurried.
    pub(super) fn stop(&mut self, index: usize, after: After) {
        let unit = self.unit_mut(index);
        (unit.after, unit.leaving) = (after, None);
        if self.unit(index).is_settled() {
            // Nothing is waited for that does not run.
            return self.gone(index);
        }
        if self.unit(index).state != State::Stopping {
            if self.is_being_made(index) {
                // There is no program yet that could end in order.
                return self.kill(index);
            }
            if !self.unit(index).is_alive() {
                // It may have left somebody behind when it ended by itself.
                self.linger(index);
            }
            self.stop_group(index);
        }
    }

    /// Stops a bot and all that depend on it, each when those are down that depend on it.
    pub(super) fn stop_with_dependents(&mut self, index: usize) {
        let is_marked = |bot| matches!(self.unit(bot).leaving, Some(After::Rest | After::Forget));
        let leaving = dependencies::with_dependents(self, index, is_marked);
        for index in &leaving {
            self.is_to_leave(*index, After::Rest);
        }
        for index in leaving {
            self.leave(index);
        }
    }

    /// Marks a bot that is to stop, unless it is about to be forgotten. One that does not run is marked as well: what it
    /// depends on waits for what depends on it.
    pub(super) fn is_to_leave(&mut self, index: usize, after: After) {
        let unit = self.unit_mut(index);
        if unit.state != State::Stopping || unit.after != After::Forget {
            unit.leaving = Some(after);
        }
    }

    /// Stops a bot that is to stop, unless a dependent has to be down first.
    pub(super) fn leave(&mut self, index: usize) {
        let Some(unit) = &self.units[index].value else { return };
        let Some(after) = unit.leaving else { return };
        if dependencies::is_held(self, index) {
            return;
        }
        if after == After::Stay {
            return self.stay(index);
        }
        self.stop(index, after);
        if let Some(unit) = self.units[index].value.as_mut().filter(|unit| unit.state == State::Stopping) {
            // The mark stays until the bot's process is gone: its dependencies wait for that.
            unit.leaving = Some(after);
        }
    }

    /// Takes the mark from a bot that does not run.
    fn stay(&mut self, index: usize) {
        let unit = self.unit_mut(index);
        unit.leaving = None;
        let below = unit.dependencies.clone();
        self.released.extend(below);
        // A finished job is ready again.
        self.start_waiting_for(index);
    }

    /// A bot is wanted, with all that it depends on: takes the marks of a stop from them. Whatever of them depends on a bot that
    /// restarts is marked to restart with it.
    pub(super) fn keep_up(&mut self, index: usize) {
        let mut kept = BTreeSet::new();
        let mut next = Vec::new();
        for at in dependencies::with_dependencies(self, index) {
            let unit = self.unit_mut(at);
            match unit.leaving {
                Some(After::Rest) => {
                    unit.leaving = None;
                    kept.insert(at);
                }
                Some(After::Start | After::Stay) => next.push(at),
                _ => {}
            }
        }
        while let Some(below) = next.pop() {
            for at in self.unit(below).dependents.clone().into_iter().filter(|at| kept.remove(at)) {
                let unit = self.unit_mut(at);
                let has_process = unit.is_alive() || matches!(unit.state, State::Starting | State::Stopping);
                unit.leaving = Some(if has_process { After::Start } else { After::Stay });
                next.push(at);
            }
        }
        // Others may wait for those that stay.
        self.changed.extend(kept);
    }

    /// Begins with the first step.
    pub(super) fn stop_group(&mut self, index: usize) {
        self.end_probe(index);
        self.unit_mut(index).step = 0;
        self.set_state(index, State::Stopping, None);
        self.signal_step(index);
    }

    /// The time of a step is over.
    pub(super) fn next_step(&mut self, index: usize) {
        let unit = self.unit_mut(index);
        unit.step += 1;
        if unit.step > unit.bot.stop.len() {
            self.report_survivors(index);
        }
        self.signal_step(index);
    }

    /// No more patience with this bot.
    pub(super) fn kill(&mut self, index: usize) {
        self.unit_mut(index).leaving = None;
        if self.unit(index).is_settled() {
            return self.gone(index);
        }
        if self.unit(index).state != State::Stopping {
            if !self.unit(index).is_alive() && !self.is_being_made(index) {
                self.linger(index);
            }
            self.end_probe(index);
            let reason = self.is_being_made(index).then(|| HANGS.to_owned());
            self.set_state(index, State::Stopping, reason);
        }
        self.unit_mut(index).step = self.unit(index).bot.stop.len();
        self.signal_step(index);
    }

    /// Sends the signal of the step that the bot is at, to all of it that we know, and sets the time it has.
    pub(super) fn signal_step(&mut self, index: usize) {
        let now = self.now;
        let (signal, time) = self.step(index);
        let unit = self.unit_mut(index);
        if let Some(process) = &unit.process {
            if signal == Signal::SIGKILL && unit.step <= unit.bot.stop.len() {
                unit.counts.add(BuiltIn::Kill, now);
            }
            // Nobody in the group is no failure: the bot is gone, or is about to be.
            let _ = process.handle.send_stop_to_group(process.pid, signal, unit.bot.hurries(unit.step));
            let _ = process.handle.send_group(process.pid, Signal::SIGCONT);
        }
        for stray in &unit.strays {
            children::signal(*stray, signal);
        }
        self.end_start(index);
        self.look |= !self.unit(index).is_alive();
        self.due(index, time);
    }

    /// The signal of the step that the bot is at, and how long it has; SIGKILL after the last one.
    pub(super) fn step(&self, index: usize) -> (Signal, Duration) {
        let unit = self.unit(index);
        unit.bot.stop.get(unit.step).map_or((Signal::SIGKILL, AGAIN), |step| (step.signal, step.timeout))
    }
}
