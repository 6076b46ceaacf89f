//! Graceful shutdown: stops all bots, dependents first, and lets hooks end, within one deadline; a second request kills
//! everything.

use super::bot_state::{BotEvent, NextState};
use super::reactor::Timer;
use super::state::{Engine, Shutdown};
use super::unowned_children::UnownedChildren;
use crate::command_queue::{Answer, Responder};
use std::time::Instant;

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
        self.shutdown = Some(Shutdown { deadline, waiting, outsiders: UnownedChildren::default() });
        bots.begin_shutdown();
        if let Some(deadline) = deadline {
            bots.reactor.set_timer(deadline, Timer::Shutdown);
        }
        let all: Vec<usize> = bots.units.all().collect();
        for index in &all {
            // A restart that was to follow a stop in progress is cancelled.
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
        self.bots.end_all_hooks();
        for index in self.bots.units.all().collect::<Vec<_>>() {
            self.bots.on(index, BotEvent::KillRequested(NextState::Stopped));
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
