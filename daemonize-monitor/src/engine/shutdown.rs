//! Stopping everything: dependents first, all within one deadline, at once the second time.

use super::Engine;
use super::bot_state::{Event, NextState};
use super::outsiders::{Left, Outsiders};
use super::reactor::Timer;
use crate::command_queue::{Answer, Responder};
use crate::sys::wait;
use std::time::Instant;

/// A shutdown that has begun.
pub(super) struct Shutdown {
    /// When everything is killed that is left; `None` once that was done.
    deadline: Option<Instant>,
    /// Commands that are answered when it is over.
    waiting: Vec<Responder>,
    outsiders: Outsiders,
}

impl Engine {
    /// Shuts down, since the daemon around the engine was told to stop.
    pub(super) fn told_to_stop(&mut self) {
        if let Some(stopping) = self.stopping.take() {
            // It stays readable.
            self.bots.reactor.unwatch(stopping);
        }
        if self.shutdown.is_none() {
            self.shut_down(None);
        }
    }

    /// Begins to stop everything; kills everything if that has begun already.
    pub(super) fn shut_down(&mut self, responder: Option<Responder>) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.waiting.extend(responder);
            return self.kill_all();
        }
        let bots = &mut self.bots;
        let deadline = bots.now.checked_add(self.settings.stop_timeout);
        let waiting = responder.into_iter().collect();
        self.shutdown = Some(Shutdown { deadline, waiting, outsiders: Outsiders::default() });
        bots.is_shutting_down = true;
        if let Some(deadline) = deadline {
            bots.reactor.set_timer(deadline, Timer::Shutdown);
        }
        bots.starting.clear();
        let all: Vec<usize> = bots.units.all().collect();
        for index in &all {
            // Whatever was to follow a stop that is under way, such as a start, follows no more.
            bots.units[*index].bot_state.mark_to_stop(NextState::Stopped);
        }
        for index in all {
            bots.stop_if_unneeded(index);
        }
    }

    /// Kills everything.
    pub(super) fn kill_all(&mut self) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.deadline = None;
        }
        for index in self.bots.units.all().collect::<Vec<_>>() {
            self.bots.on(index, Event::KillRequested(NextState::Stopped));
        }
    }

    /// Kills everything if the shutdown has lasted too long.
    pub(super) fn check_shutdown_deadline(&mut self, now: Instant) {
        let deadline = self.shutdown.as_ref().and_then(|shutdown| shutdown.deadline);
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.kill_all();
        }
    }

    /// Returns `true` if everything is stopped, and no process is left; answers the commands that wait for that.
    pub(super) fn is_over(&mut self) -> bool {
        let Some(shutdown) = &mut self.shutdown else { return false };
        if self.bots.has_work() || !self.bots.is_alone(&mut shutdown.outsiders, shutdown.deadline.is_none()) {
            return false;
        }
        for responder in shutdown.waiting.drain(..) {
            responder.answer(Ok(Answer::Done));
        }
        true
    }
}

impl super::Supervisor {
    /// Returns `true` if a bot is not down, or anything is left of one.
    fn has_work(&self) -> bool {
        self.has_unsettled()
            || !(self.children.processes.is_empty() && self.children.orphans.is_idle())
            || self.units.values().any(|unit| !unit.state().is_down())
    }

    /// Ends outsiders. Returns `true` if none is left.
    fn is_alone(&mut self, outsiders: &mut Outsiders, is_urgent: bool) -> bool {
        if !wait::has_children() {
            return true;
        }
        self.children.release_reserve();
        let left = outsiders.end(Instant::now(), is_urgent);
        self.children.refill_reserve();
        if let Left::Some { next } = left {
            if let Some(next) = next {
                self.reactor.set_timer(next, Timer::Shutdown);
            }
            return false;
        }
        // A process that has died meanwhile may have left a child that the list lacks: its death is handled first.
        let making = &self.making;
        let is_dead = self.children.has_dead(&|pid| making.values().any(|making| making.pid() == Some(pid)));
        if is_dead {
            self.reactor.set_timer(Instant::now(), Timer::Children);
        }
        !is_dead && !self.children.has_signal()
    }
}
