//! Which bots there are, who waits for whom, and who is told.

use super::dependencies::{self, Graph};
use super::unit::{Unit, Waiter, Wish};
use super::{Engine, Slot};
use crate::bot::Bot;
use crate::cancellation::CancelToken;
use crate::error::{Error, ErrorKind};
use crate::status::{Change, State};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

/// Somebody who looks on.
pub(super) struct Subscriber {
    pub(super) sender: SyncSender<Change>,
    pub(super) token: CancelToken,
    pub(super) missed: u64,
}

impl Graph for Engine {
    fn dependencies(&self, bot: usize) -> &[usize] {
        &self.unit(bot).dependencies
    }

    fn dependents(&self, bot: usize) -> &[usize] {
        &self.unit(bot).dependents
    }

    fn is_ready(&self, bot: usize) -> bool {
        self.unit(bot).is_ready()
    }

    fn has_finished(&self, bot: usize) -> bool {
        self.unit(bot).has_finished()
    }

    fn is_stopped(&self, bot: usize) -> bool {
        let unit = self.unit(bot);
        unit.state == State::Stopped && unit.leaving.is_none()
    }

    fn is_leaving(&self, bot: usize) -> bool {
        let unit = self.unit(bot);
        unit.leaving.is_some() || unit.state == State::Stopping
    }
}

impl Engine {
    /// A new bot, which does not run yet; [`wire`](Engine::wire) comes after it.
    pub(super) fn add(&mut self, bot: Arc<Bot>, temporary: bool) -> usize {
        let index = self.free.pop().unwrap_or_else(|| {
            self.units.push(Slot { generation: 0, value: None });
            self.units.len() - 1
        });
        self.names.insert(bot.name.as_str().into(), index);
        self.units[index].value = Some(Unit::new(bot, temporary, self.now));
        index
    }

    /// Nothing is left of a bot that nobody wants any more.
    pub(super) fn forget(&mut self, index: usize) {
        self.set_state(index, State::Stopped, None);
        self.publish(index);
        let slot = &mut self.units[index];
        let Some(unit) = slot.value.take() else { return };
        slot.generation = slot.generation.wrapping_add(1);
        self.names.remove(unit.bot.name.as_str());
        self.free.push(index);
        self.has_forgotten = true;
        self.tell(&Change::Removed(unit.bot.name.clone()));
        self.starting.retain(|other| *other != index);
        self.followers.retain(|(other, _)| *other != index);
        for other in &unit.dependencies {
            self.unit_mut(*other).dependents.retain(|dependent| *dependent != index);
        }
        // Their name may mean others by now. Nobody else's dependencies can have changed.
        self.wire_all(&unit.dependents);
        // Not here and now: a chain of ten thousand bots that do not run would be as many calls within each other.
        self.released.extend(&unit.dependencies);
    }

    /// Finds out who depends on whom, after bots have come or have other dependencies.
    pub(super) fn wire(&mut self) {
        let all: Vec<usize> = self.names.values().copied().collect();
        for index in &all {
            let unit = self.unit_mut(*index);
            unit.dependents.clear();
            unit.dependencies.clear();
        }
        self.wire_all(&all);
    }

    /// Finds out what these depend on; whoever of them waits looks again for what.
    fn wire_all(&mut self, bots: &[usize]) {
        for index in bots.iter().copied() {
            for other in std::mem::take(&mut self.unit_mut(index).dependencies) {
                if let Some(other) = &mut self.units[other].value {
                    other.dependents.retain(|dependent| *dependent != index);
                }
            }
            let bot = Arc::clone(&self.unit(index).bot);
            let found = bot.depends_on.iter().flat_map(|name| self.find(name));
            let dependencies: Vec<usize> = found.filter(|other| *other != index).collect();
            for other in &dependencies {
                self.unit_mut(*other).dependents.push(index);
            }
            self.unit_mut(index).dependencies = dependencies;
        }
        for index in bots.iter().copied() {
            let unit = self.unit(index);
            // Without a reason it is about to be started.
            let waits = unit.state == State::Waiting && unit.reason.is_some();
            if waits && unit.reason.as_deref() != self.missing(index).as_deref() {
                self.begin(index);
            }
        }
    }

    /// Returns why a bot cannot start yet: what it depends on, directly or through a finished job, and is not ready.
    pub(super) fn missing(&self, index: usize) -> Option<String> {
        let missing = dependencies::missing(self, index)?;
        Some(format!("waits for `{}`", self.unit(missing).bot.name))
    }

    /// The bots that a name means: one, or all instances of one.
    pub(super) fn find(&self, name: &str) -> Vec<usize> {
        if let Some(index) = self.names.get(name) {
            return vec![*index];
        }
        let from = format!("{name}:");
        let after = self.names.range(Rc::from(from.as_str())..);
        after.take_while(|(other, _)| other.starts_with(&from)).map(|(_, index)| *index).collect()
    }

    /// Returns `true` if bots have changed and it was not looked yet what follows from that.
    pub(super) fn has_unsettled(&self) -> bool {
        !(self.changed.is_empty() && self.released.is_empty())
    }

    /// Carries out what follows from changes: tells subscribers, starts bots that waited for one to be ready, stops bots
    /// that waited for one to be down, until nothing more follows.
    pub(super) fn settle_changes(&mut self) {
        while self.has_unsettled() {
            for index in taken(&mut self.changed) {
                if self.units[index].value.is_some() {
                    self.publish(index);
                    self.start_waiting_for(index);
                    self.released.extend(&self.units[index].value.as_ref().expect("it is there").dependencies);
                }
            }
            for index in taken(&mut self.released) {
                self.leave(index);
            }
        }
        if std::mem::take(&mut self.has_forgotten) {
            self.drop_streams_of_forgotten();
        }
    }

    /// Starts those that have waited for this one, if it is ready.
    pub(super) fn start_waiting_for(&mut self, index: usize) {
        if !self.unit(index).is_ready() {
            return;
        }
        for dependent in dependencies::waiting_for(self, index) {
            if self.unit(dependent).state == State::Waiting {
                self.begin(dependent);
            }
        }
    }

    fn publish(&mut self, index: usize) {
        if self.subscribers.is_empty() {
            return;
        }
        let status = self.unit(index).status(self.now);
        self.tell(&Change::Bot(Box::new(status)));
    }

    /// Who does not keep up misses changes, and is told how many as soon as there is room.
    pub(super) fn tell(&mut self, change: &Change) {
        self.subscribers.retain_mut(|subscriber| {
            let missed = Some(subscriber.missed).filter(|missed| *missed > 0).map(Change::Missed);
            for change in missed.into_iter().chain([change.clone()]) {
                match subscriber.sender.try_send(change) {
                    Ok(()) => subscriber.missed = 0,
                    Err(TrySendError::Full(Change::Missed(_))) => {}
                    Err(TrySendError::Full(_)) => subscriber.missed += 1,
                    Err(TrySendError::Disconnected(_)) => return false,
                }
            }
            true
        });
    }

    /// A command waits for the bot to be ready, or for it to be down. Those whose time was over before are forgotten: there
    /// are never more than waited at once.
    pub(super) fn wait_for(&mut self, index: usize, up: bool, wish: &Rc<Wish>) {
        let unit = self.unit_mut(index);
        unit.waiters.retain(|waiter| !waiter.wish.responder.is_cancelled());
        unit.waiters.push(Waiter { up, wish: Rc::clone(wish) });
        log::debug!("a command waits for bot `{}`, and {} do", unit.bot.name, unit.waiters.len());
        self.tell_waiters(index);
    }

    /// Answers those whose bot has come to where they wait for it, or never will.
    pub(super) fn tell_waiters(&mut self, index: usize) {
        let now = self.now;
        let unit = self.unit_mut(index);
        if unit.waiters.is_empty() {
            return;
        }
        let status = unit.status(now);
        let failed = |why: &str| {
            let why = status.reason.as_deref().map_or_else(|| why.to_owned(), |reason| format!("{why}: {reason}"));
            Error::failed(ErrorKind::Failed, "wait for bot", &status.name, why)
        };
        let is_ready = unit.is_ready();
        let mut left = Vec::new();
        for waiter in std::mem::take(&mut unit.waiters) {
            match (waiter.up, status.state) {
                (true, _) if is_ready => waiter.wish.done(Ok(status.clone())),
                (true, State::GaveUp) => waiter.wish.done(Err(failed("it was given up"))),
                // Its end is what its `restart` allows: nothing more is to come.
                (true, State::Exited) => waiter.wish.done(Ok(status.clone())),
                (true, State::Failed) => waiter.wish.done(Err(failed("it has failed"))),
                (true, State::Stopped) => waiter.wish.done(Err(failed("it was stopped"))),
                (false, state) if state.is_down() => waiter.wish.done(Ok(status.clone())),
                _ => left.push(waiter),
            }
        }
        self.unit_mut(index).waiters = left;
    }
}

/// Takes all that a queue holds, each once.
fn taken(queue: &mut Vec<usize>) -> Vec<usize> {
    let mut taken = std::mem::take(queue);
    taken.sort_unstable();
    taken.dedup();
    taken
}
