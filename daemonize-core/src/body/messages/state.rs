//! Who has which message: the pool's state and its rules, without threads, so that they can be tried without any.

mod receipts;

pub(super) use receipts::Untold;

use super::delivery::{Ack, Tracked};
use super::waiting::Waiting;
use std::collections::VecDeque;
use std::mem;
use std::thread::Thread;
use std::time::Instant;

/// What the pool's lock keeps.
pub(super) struct State<T, A> {
    /// Fetched, and not begun.
    queue: VecDeque<(T, Tracked<A>)>,
    /// One for each worker; those of workers that have left are free.
    places: Vec<Place<A>>,
    /// Workers that sleep; the one that went to sleep last is woken first, so that those too many are left in peace until
    /// they leave.
    idle: Vec<usize>,
    workers: usize,
    busy: usize,
    /// Workers that look for a message: made or called and not there yet, or about to go to sleep. There is hardly ever
    /// more than one, since each that finds a message calls the next if there are more: so a hundred sleepers are not
    /// woken for what one of them does alone.
    searching: usize,
    /// How many workers there may be: as many as were asked for, or fewer after a thread could not be made.
    limit: usize,
    size: usize,
    /// When that may be tried again.
    again: Option<Instant>,
    /// Receipts that are being told at this moment: taken from here, and not yet used up.
    telling: usize,
    /// Receipts of messages whose handlers failed.
    waiting: Waiting<A>,
    /// `true` while a thread tells the receipts in `waiting` when they become due.
    attended: bool,
    /// The messages that were not handled to their end when all was over: begun, and not begun.
    cut: (usize, usize),
    over: bool,
}

/// What is known of one worker.
struct Place<A> {
    taken: bool,
    /// Called, and not yet there.
    called: bool,
    thread: Option<Thread>,
    /// Of the message that it has begun.
    receipt: Option<Tracked<A>>,
}

/// Who is to be told that there is something to do.
#[must_use]
pub(super) enum Call {
    Nobody,
    /// A worker that sleeps.
    Wake(Thread),
    /// A worker that does not exist yet, with the place it will have.
    Make(usize),
}

impl<T, A: Ack> State<T, A> {
    pub(super) fn new(size: usize) -> State<T, A> {
        State {
            queue: VecDeque::new(),
            places: Vec::new(),
            idle: Vec::new(),
            workers: 0,
            busy: 0,
            searching: 0,
            limit: size,
            size,
            again: None,
            telling: 0,
            waiting: Waiting::new(),
            attended: false,
            cut: (0, 0),
            over: false,
        }
    }

    /// Messages that were fetched and are not finished.
    pub(super) fn in_flight(&self) -> usize {
        self.queue.len() + self.busy
    }

    /// Whether there is a worker for one more message, or may be.
    pub(super) fn is_below_limit(&self) -> bool {
        self.in_flight() < self.limit
    }

    /// The same, when time has passed: where a thread could not be made, there may be one by now.
    pub(super) fn has_room(&mut self, now: Instant) -> bool {
        if self.again.is_some_and(|again| now >= again) {
            (self.limit, self.again) = (self.size, None);
        }
        self.is_below_limit()
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// One more message, and who is to take it.
    pub(super) fn push(&mut self, message: T, receipt: Tracked<A>) -> Call {
        self.queue.push_back((message, receipt));
        self.call()
    }

    /// Whoever is to come, if something is to be done and nobody is on his way.
    pub(super) fn call(&mut self) -> Call {
        match self.wake() {
            Call::Nobody if self.wants_one() && self.workers < self.limit => self.make(),
            call => call,
        }
    }

    /// Whether something is to be done and nobody is on his way.
    fn wants_one(&self) -> bool {
        self.searching == 0 && !self.queue.is_empty()
    }

    /// The same of those that sleep.
    pub(super) fn wake(&mut self) -> Call {
        if !self.wants_one() {
            return Call::Nobody;
        }
        let sleeper = self.idle.pop().map(|index| &mut self.places[index]);
        if let Some(Place { called, thread: Some(thread), .. }) = sleeper {
            *called = true;
            self.searching += 1;
            return Call::Wake(thread.clone());
        }
        Call::Nobody
    }

    /// A place for one more worker.
    pub(super) fn make(&mut self) -> Call {
        let free = self.places.iter().position(|place| !place.taken).unwrap_or(self.places.len());
        if free == self.places.len() {
            self.places.push(Place { taken: false, called: false, thread: None, receipt: None });
        }
        self.places[free].taken = true;
        self.workers += 1;
        self.searching += 1;
        Call::Make(free)
    }

    /// A worker could not be made: there may be no more than there are, for a while.
    pub(super) fn not_made(&mut self, index: usize, again: Instant) {
        self.searching -= 1;
        self.free(index);
        (self.limit, self.again) = (self.workers.max(1), Some(again));
    }

    /// A worker that was made is there.
    pub(super) fn arrive(&mut self, index: usize, thread: Thread) {
        self.places[index].thread = Some(thread);
        self.searching -= 1;
    }

    /// The next message, which this worker begins.
    pub(super) fn take(&mut self, index: usize) -> Option<T> {
        let (message, receipt) = self.queue.pop_front()?;
        self.busy += 1;
        if !A::NOTHING {
            self.places[index].receipt = Some(receipt);
        }
        Some(message)
    }

    /// A worker is done with its message.
    pub(super) fn finish(&mut self) {
        self.busy -= 1;
    }

    /// A worker without a message looks around for a moment, unless another does.
    pub(super) fn search(&mut self) -> bool {
        // Not `+= usize::from(first)` with the comparison as the answer: up to 1.97 at least, rustc then forgets the
        // addition when this is inlined (its pass SimplifyComparisonIntegral).
        if self.searching > 0 {
            return false;
        }
        self.searching = 1;
        true
    }

    /// It has looked.
    pub(super) fn searched(&mut self) {
        self.searching -= 1;
    }

    /// A worker goes to sleep.
    pub(super) fn sleep(&mut self, index: usize) {
        self.idle.push(index);
    }

    /// Whether a sleeping worker was called; once.
    pub(super) fn was_called(&mut self, index: usize) -> bool {
        let called = mem::take(&mut self.places[index].called);
        self.searching -= usize::from(called);
        called
    }

    /// A sleeping worker leaves, unless it is the last; whether it does.
    pub(super) fn may_leave(&mut self, index: usize) -> bool {
        let leaves = self.over || self.workers > 1;
        if leaves {
            self.idle.retain(|sleeper| *sleeper != index);
            self.free(index);
        }
        leaves
    }

    /// Nothing is to be done any more; the workers, so that those who sleep can be told.
    pub(super) fn end(&mut self) -> Vec<Thread> {
        self.over = true;
        self.places.iter().filter_map(|place| place.thread.clone()).collect()
    }

    fn free(&mut self, index: usize) {
        self.places[index] = Place { taken: false, called: false, thread: None, receipt: None };
        self.workers -= 1;
    }
}

#[cfg(test)]
mod tests;
