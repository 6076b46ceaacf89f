//! Stopping a bot: its group, step by step, and those of its descendants that left the group.

use super::starts::HANGS;
use super::unit::After;
use super::{Engine, children};
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
        let (mut next, mut seen) = (vec![index], BTreeSet::from([index]));
        let mut leaving = Vec::new();
        while let Some(index) = next.pop() {
            if self.unit(index).leaving.is_some_and(|after| after != After::Start) {
                // And so are those that depend on it.
                continue;
            }
            if self.is_to_leave(index, After::Rest) {
                leaving.push(index);
            }
            next.extend(self.unit(index).dependents.iter().filter(|other| seen.insert(**other)));
        }
        for index in leaving {
            self.leave(index);
        }
    }

    /// Notes that a bot is to go, unless it is stopped or is about to be forgotten; whether it was noted.
    pub(super) fn is_to_leave(&mut self, index: usize, after: After) -> bool {
        let unit = self.unit_mut(index);
        let is_forgotten = unit.state == State::Stopping && unit.after == After::Forget;
        if is_forgotten || (unit.state == State::Stopped && after != After::Forget) {
            return false;
        }
        unit.leaving = Some(after);
        true
    }

    /// Stops a bot that is to go, unless somebody who depends on it is to go too and is not gone.
    pub(super) fn leave(&mut self, index: usize) {
        let Some(unit) = &self.units[index].value else { return };
        let Some(after) = unit.leaving else { return };
        if unit.dependents.iter().all(|other| self.unit(*other).leaving.is_none()) {
            self.stop(index, after);
            self.unit_mut(index).leaving = Some(after);
        }
    }

    /// Those that a bot depends on may go, if they are to: it is gone, or runs on without them.
    pub(super) fn let_go(&mut self, dependencies: &[usize]) {
        for index in dependencies {
            self.leave(*index);
        }
    }

    /// A bot is wanted, with all that it depends on: they do not go, unless they are to be forgotten or to come back.
    pub(super) fn keep_up(&mut self, index: usize) {
        let (mut next, mut seen) = (vec![index], BTreeSet::from([index]));
        while let Some(index) = next.pop() {
            let unit = self.unit_mut(index);
            let stays = unit.leaving.take_if(|after| *after == After::Rest).is_some();
            next.extend(unit.dependencies.iter().filter(|other| seen.insert(**other)));
            // Others may wait for it.
            self.changed.extend(stays.then_some(index));
        }
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
            let _ = process.handle.send_group(process.pid, signal);
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
