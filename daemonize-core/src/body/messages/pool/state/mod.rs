//! The pool's scheduling state: queued messages, worker slots and receipts. It owns no thread, so that unit tests can drive it
//! step by step.

mod receipts;

pub(super) use receipts::UnsettledReceipt;

use crate::body::messages::ack::Ack;
use crate::body::messages::delayed_receipts::DelayedReceipts;
use crate::body::messages::delivery::Tracked;
use std::collections::VecDeque;
use std::mem;
use std::thread::Thread;
use std::time::Instant;

/// The data behind the pool's lock.
pub(super) struct PoolState<T, A> {
    /// Messages that were fetched and that no worker has taken.
    queue: VecDeque<(T, Tracked<A>)>,
    /// One slot per worker; the slot of a worker that exited is free.
    slots: Vec<WorkerSlot<A>>,
    /// The slots of parked workers. The one parked last is unparked first, so that surplus workers stay parked until they
    /// exit.
    idle: Vec<usize>,
    workers: usize,
    busy: usize,
    /// Workers that look for a message: spawned or unparked and not running yet, or about to park. Rarely more than one,
    /// since each worker that finds a message wakes the next one if more are queued: so a hundred parked workers are not
    /// woken for messages that one of them handles alone.
    searching: usize,
    /// The largest number of workers: `size`, or fewer after a thread could not be spawned.
    limit: usize,
    size: usize,
    /// The time from which `limit` is `size` again.
    retry_spawn_at: Option<Instant>,
    /// Receipts that were taken from this state and are being settled at this moment.
    unsettled: usize,
    /// Receipts of messages whose handlers failed.
    delayed: DelayedReceipts<A>,
    /// `true` while a thread settles the receipts in `delayed` when they are due.
    has_retry_thread: bool,
    /// The messages that were unfinished when the daemon ended: begun, and not begun.
    unfinished: (usize, usize),
    is_shut_down: bool,
}

/// The state of one worker.
struct WorkerSlot<A> {
    in_use: bool,
    /// `true` from the worker's wakeup until it runs.
    woken: bool,
    thread: Option<Thread>,
    /// The receipt of the message that the worker handles.
    receipt: Option<Tracked<A>>,
}

impl<A> WorkerSlot<A> {
    const FREE: WorkerSlot<A> = WorkerSlot { in_use: false, woken: false, thread: None, receipt: None };
}

/// The action that brings a worker to a queued message. The caller performs it without the lock.
#[must_use]
pub(super) enum WakeAction {
    None,
    /// Unparks an idle worker.
    Unpark(Thread),
    /// Spawns the thread of a worker for this slot.
    Spawn(usize),
}

impl<T, A: Ack> PoolState<T, A> {
    pub(super) fn new(size: usize) -> PoolState<T, A> {
        PoolState {
            queue: VecDeque::new(),
            slots: Vec::new(),
            idle: Vec::new(),
            workers: 0,
            busy: 0,
            searching: 0,
            limit: size,
            size,
            retry_spawn_at: None,
            unsettled: 0,
            delayed: DelayedReceipts::new(),
            has_retry_thread: false,
            unfinished: (0, 0),
            is_shut_down: false,
        }
    }

    /// Returns the number of messages that were fetched and are not finished.
    pub(super) fn in_flight(&self) -> usize {
        self.queue.len() + self.busy
    }

    /// Returns `true` if a worker for one more message exists or may be spawned.
    pub(super) fn has_capacity(&self) -> bool {
        self.in_flight() < self.limit
    }

    /// Lifts the limit that a failed spawn has set, once its time is over, then returns
    /// [`has_capacity`](PoolState::has_capacity).
    pub(super) fn refresh_capacity(&mut self, now: Instant) -> bool {
        if self.retry_spawn_at.is_some_and(|time| now >= time) {
            (self.limit, self.retry_spawn_at) = (self.size, None);
        }
        self.has_capacity()
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.is_shut_down
    }

    /// Queues a message.
    pub(super) fn push(&mut self, message: T, receipt: Tracked<A>) -> WakeAction {
        self.queue.push_back((message, receipt));
        self.wake_or_spawn()
    }

    /// Chooses an idle worker or a free slot, if a message is queued and no worker is looking for one.
    pub(super) fn wake_or_spawn(&mut self) -> WakeAction {
        match self.wake_idle() {
            WakeAction::None if self.needs_worker() && self.workers < self.limit => self.reserve_slot(),
            action => action,
        }
    }

    /// Returns `true` if a message is queued and no worker is looking for one.
    fn needs_worker(&self) -> bool {
        self.searching == 0 && !self.queue.is_empty()
    }

    /// Chooses an idle worker, if a message is queued and no worker is looking for one.
    pub(super) fn wake_idle(&mut self) -> WakeAction {
        if !self.needs_worker() {
            return WakeAction::None;
        }
        let sleeper = self.idle.pop().map(|index| &mut self.slots[index]);
        if let Some(WorkerSlot { woken, thread: Some(thread), .. }) = sleeper {
            *woken = true;
            self.searching += 1;
            return WakeAction::Unpark(thread.clone());
        }
        WakeAction::None
    }

    /// Reserves a slot for one more worker.
    pub(super) fn reserve_slot(&mut self) -> WakeAction {
        let free = self.slots.iter().position(|slot| !slot.in_use).unwrap_or(self.slots.len());
        if free == self.slots.len() {
            self.slots.push(WorkerSlot::FREE);
        }
        self.slots[free].in_use = true;
        self.workers += 1;
        self.searching += 1;
        WakeAction::Spawn(free)
    }

    /// Frees the slot of a worker whose thread could not be spawned, and limits the pool to its present workers until
    /// `retry_at`.
    pub(super) fn spawn_failed(&mut self, index: usize, retry_at: Instant) {
        self.searching -= 1;
        self.free_slot(index);
        (self.limit, self.retry_spawn_at) = (self.workers.max(1), Some(retry_at));
    }

    /// Notes that a spawned worker runs.
    pub(super) fn worker_started(&mut self, index: usize, thread: Thread) {
        self.slots[index].thread = Some(thread);
        self.searching -= 1;
    }

    /// Takes the next message for this worker.
    pub(super) fn take(&mut self, index: usize) -> Option<T> {
        let (message, receipt) = self.queue.pop_front()?;
        self.busy += 1;
        if !A::IS_EMPTY {
            self.slots[index].receipt = Some(receipt);
        }
        Some(message)
    }

    /// Notes that a worker has finished its message.
    pub(super) fn finish(&mut self) {
        self.busy -= 1;
    }

    /// Lets a worker without a message spin before it parks. Returns `false` if another worker is searching already.
    pub(super) fn begin_search(&mut self) -> bool {
        // Not `+= usize::from(first)` with the comparison as the result: up to 1.97 at least, rustc then drops the
        // addition when this is inlined (its pass SimplifyComparisonIntegral).
        if self.searching > 0 {
            return false;
        }
        self.searching = 1;
        true
    }

    pub(super) fn end_search(&mut self) {
        self.searching -= 1;
    }

    /// Notes that a worker is about to park.
    pub(super) fn sleep(&mut self, index: usize) {
        self.idle.push(index);
    }

    /// Returns `true` if a parked worker was woken for a message rather than spuriously, and clears the mark.
    pub(super) fn take_wakeup(&mut self, index: usize) -> bool {
        let woken = mem::take(&mut self.slots[index].woken);
        self.searching -= usize::from(woken);
        woken
    }

    /// Frees the slot of an idle worker that wants to exit. Returns `false` if the worker must stay: it is the last one.
    pub(super) fn try_retire(&mut self, index: usize) -> bool {
        let retires = self.is_shut_down || self.workers > 1;
        if retires {
            self.idle.retain(|sleeper| *sleeper != index);
            self.free_slot(index);
        }
        retires
    }

    /// Shuts the pool down. Returns the workers' threads, for the caller to unpark.
    pub(super) fn shut_down(&mut self) -> Vec<Thread> {
        self.is_shut_down = true;
        self.slots.iter().filter_map(|slot| slot.thread.clone()).collect()
    }

    fn free_slot(&mut self, index: usize) {
        self.slots[index] = WorkerSlot::FREE;
        self.workers -= 1;
    }
}

#[cfg(test)]
mod tests;
