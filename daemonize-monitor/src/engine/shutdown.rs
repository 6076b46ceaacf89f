//! Stopping everything: dependents first, all within one deadline, at once the second time.

use super::Engine;
use super::unit::After;
use crate::command_queue::{Answer, Responder};
use daemonize_core::{Pid, Signal};
use std::collections::BTreeSet;
use std::time::Instant;

/// The end has begun.
pub(super) struct Shutdown {
    /// When everything is killed that is left; `None` once that was done.
    pub(super) deadline: Option<Instant>,
    /// Who wants to know when it is over.
    waiting: Vec<Responder>,
    /// Since when nobody is left but those outside of all bots, and what they were told.
    pub(super) outside: Option<Instant>,
    pub(super) told: BTreeSet<(Pid, Signal)>,
    /// It was said that they do not end.
    pub(super) is_hunting: bool,
}

impl Engine {
    /// The daemon that this is was told to stop.
    pub(super) fn told_to_stop(&mut self) {
        if let Some(stopping) = self.stopping.take() {
            // It stays readable.
            let _ = self.epoll.delete(stopping);
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
        let deadline = self.now.checked_add(self.settings.stop_timeout);
        let waiting = responder.into_iter().collect();
        self.shutdown = Some(Shutdown { deadline, waiting, outside: None, told: BTreeSet::new(), is_hunting: false });
        if let Some(deadline) = deadline {
            self.timers.set(deadline, (usize::MAX, 0));
        }
        self.starting.clear();
        let all: Vec<usize> = self.names.values().copied().collect();
        for index in &all {
            // Whatever was to follow a stop that is under way, such as a start, follows no more.
            self.is_to_leave(*index, After::Rest);
        }
        for index in all {
            self.leave(index);
        }
    }

    /// No more patience with anybody.
    pub(super) fn kill_all(&mut self) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.deadline = None;
        }
        for index in self.names.values().copied().collect::<Vec<_>>() {
            self.unit_mut(index).after = After::Rest;
            self.kill(index);
        }
    }

    /// Whether everything is stopped, and nobody is left; whoever waits for that is told.
    pub(super) fn is_over(&mut self) -> bool {
        if self.shutdown.is_none()
            || self.has_unsettled()
            || !(self.pids.is_empty() && self.lingering.is_empty())
            || self.units.iter().flat_map(|slot| &slot.value).any(|unit| !unit.state.is_down())
        {
            return false;
        }
        if !self.is_alone() {
            return false;
        }
        for responder in self.shutdown.iter_mut().flat_map(|shutdown| shutdown.waiting.drain(..)) {
            responder.answer(Ok(Answer::Done));
        }
        true
    }
}
