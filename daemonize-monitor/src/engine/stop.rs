//! Stopping a bot: its group, step by step, and those of its descendants that left the group.

use super::unit::After;
use super::{Engine, children};
use crate::counts::BuiltIn;
use crate::status::State;
use daemonize_core::Signal;
use std::time::Duration;

/// How often what does not even end of SIGKILL is looked for and sent another one.
const AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Stops the bot; what follows is `after`. One that is being stopped already is not hurried.
    pub(super) fn stop(&mut self, index: usize, after: After) {
        self.unit_mut(index).after = after;
        if self.unit(index).state != State::Stopping {
            if !self.unit(index).is_alive() {
                // It may have left somebody behind when it ended by itself.
                self.linger(index);
            }
            self.stop_group(index);
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
        self.unit_mut(index).step += 1;
        self.signal_step(index);
    }

    /// No more patience with this bot.
    pub(super) fn kill(&mut self, index: usize) {
        if self.unit(index).state != State::Stopping {
            if !self.unit(index).is_alive() {
                self.linger(index);
            }
            self.end_probe(index);
            self.set_state(index, State::Stopping, None);
        }
        self.unit_mut(index).step = self.unit(index).bot.stop.len();
        self.signal_step(index);
    }

    /// Sends the signal of the step that the bot is at, to all of it that we know, and sets the time it has.
    fn signal_step(&mut self, index: usize) {
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
        self.look |= !self.unit(index).is_alive();
        self.due(index, time);
    }

    /// The signal of the step that the bot is at, and how long it has; SIGKILL after the last one.
    pub(super) fn step(&self, index: usize) -> (Signal, Duration) {
        let unit = self.unit(index);
        unit.bot.stop.get(unit.step).map_or((Signal::SIGKILL, AGAIN), |step| (step.signal, step.timeout))
    }
}
