//! The worker pool: one thread fetches messages, worker threads handle them.
//!
//! A message is fetched only if a worker is free for it or may be spawned, so the messages in flight never outnumber the pool,
//! and all other messages stay at their source. The fetched message waits in a queue for the worker that was woken; a worker
//! that finishes earlier takes it instead. As long as messages arrive, workers therefore pass from one to the next without a
//! system call: a message costs a few acquisitions of one lock.
//!
//! A channel would only replace the queue. Idle workers, workers to wake or spawn, and receipts need a lock beside it.
//! `scripts/bench messages` measures both: with handlers that wait for a millisecond they cost about the same; with handlers
//! that do nothing and few workers, a channel that spins is faster.

mod nack_on_forced_exit;
mod retry_timer;
mod settle;
mod spawn;
mod state;
mod worker;

use super::ack::{Ack, Nack};
use super::delivery::Tracked;
use super::retry::Retry;
use crate::body::BodyResult;
use crate::counters::Counts;
use crate::mutex;
use crate::stop_flag;
use state::PoolState;
use std::hint;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// The pause after a thread could not be spawned, before the next attempt.
const SPAWN_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait for a change of the state before the stop flag is polled again.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The rounds that a thread spins before it parks, each twice as long as the one before: a few microseconds in total.
const SPIN_ROUNDS: u32 = 10;

/// The worker threads and the data that they share.
pub(super) struct Pool<T, A, H> {
    state: Mutex<PoolState<T, A>>,
    /// Wakes the fetching thread and threads that wait for receipts: capacity, or a receipt that was settled.
    changed: Condvar,
    /// `true` while a thread may wait for `changed`.
    has_waiter: AtomicBool,
    /// Copies of the numbers in the state, for threads that spin without the lock.
    queued: AtomicUsize,
    in_flight: AtomicUsize,
    size: usize,
    /// The threads that were spawned and may still run.
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// `true` while the function that fetches messages runs.
    fetching: AtomicBool,
    spawn_failure_reported: AtomicBool,
    handle: H,
    retry: Retry,
    /// Wakes the retry thread.
    retry_wakeup: Condvar,
    counts: &'static Counts,
}

type Guard<'a, T, A> = MutexGuard<'a, PoolState<T, A>>;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    pub(super) fn new(size: usize, handle: H, retry: Retry, counts: &'static Counts) -> Arc<Pool<T, A, H>> {
        Arc::new(Pool {
            state: Mutex::new(PoolState::new(size)),
            changed: Condvar::new(),
            has_waiter: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            size,
            threads: Mutex::new(Vec::new()),
            fetching: AtomicBool::new(false),
            spawn_failure_reported: AtomicBool::new(false),
            handle,
            retry,
            retry_wakeup: Condvar::new(),
            counts,
        })
    }

    /// Waits until a worker for one more message exists or may be spawned. Returns `false` if `is_over` ends the wait, or if
    /// the first worker could not be spawned.
    pub(super) fn wait_for_capacity(self: &Arc<Self>, is_over: impl Fn() -> bool) -> bool {
        let mut state = self.lock();
        if state.workers() == 0 {
            // Before anything is fetched: a message that no worker can handle should stay at its source.
            let action = state.reserve_slot();
            drop(state);
            return self.perform(action);
        }
        if !state.refresh_capacity(Instant::now()) {
            drop(state);
            // A worker often finishes within microseconds, which costs less than a futex wait and wakeup.
            spin_until(|| self.in_flight.load(Relaxed) < self.size);
            state = self.lock();
        }
        while !state.refresh_capacity(Instant::now()) && !is_over() {
            state = self.wait(state, POLL_INTERVAL);
        }
        // A message that was queued when no thread could be spawned may have waited until now.
        let action = state.wake_or_spawn();
        drop(state);
        self.perform(action);
        !is_over()
    }

    /// Queues a message. Returns `true` if there is capacity for another one.
    pub(super) fn push(self: &Arc<Self>, message: T, receipt: Tracked<A>) -> bool {
        let mut state = self.lock();
        if state.is_shut_down() {
            // The message was being fetched when the pool was shut down; no worker will take it.
            state.count_late_message();
            drop(state);
            self.settle_receipt(|| receipt.receipt.nack(Nack::Unfinished));
            return false;
        }
        self.counts.fetched();
        let action = state.push(message, receipt);
        let has_capacity = state.has_capacity();
        self.publish(&state);
        drop(state);
        self.perform(action) && has_capacity
    }

    /// Notes whether the function that fetches messages runs.
    pub(super) fn set_fetching(&self, yes: bool) {
        self.fetching.store(yes, Relaxed);
    }

    /// Waits until no message is in flight, then ends the workers. Calls `may_wait` at least once a second, which also shows
    /// the watchdog that this thread waits and does not hang.
    pub(super) fn drain(self: &Arc<Self>, may_wait: impl Fn() -> bool) {
        // From now on a failed message is requeued without a delay: nothing is fetched any more, so it cannot be fetched again
        // too soon.
        self.nack_delayed();
        let mut state = self.lock();
        while (state.in_flight() > 0 || state.unsettled() > 0) && !state.is_shut_down() && may_wait() {
            state = self.wait(state, POLL_INTERVAL);
        }
        if state.is_shut_down() {
            return;
        }
        state.shut_down().iter().for_each(Thread::unpark);
        drop(state);
        // Joined, so that destructors of thread locals have run, and the handler is dropped with the pool.
        let threads = mem::take(&mut *mutex::lock(&self.threads));
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn wait<'a>(&self, state: Guard<'a, T, A>, time: Duration) -> Guard<'a, T, A> {
        self.has_waiter.store(true, Relaxed);
        let _asleep = stop_flag::SleepGuard::new();
        mutex::wait_timeout(&self.changed, state, time)
    }

    /// Wakes the threads that wait for a change. The caller holds the lock, so that no thread misses the change between its
    /// check and its wait.
    fn notify_waiters(&self) {
        if self.has_waiter.load(Relaxed) {
            self.has_waiter.store(false, Relaxed);
            self.changed.notify_all();
        }
    }

    fn publish(&self, state: &PoolState<T, A>) {
        self.queued.store(state.queued(), Relaxed);
        self.in_flight.store(state.in_flight(), Relaxed);
    }

    fn lock(&self) -> Guard<'_, T, A> {
        // Inlined, unlike `mutex::lock`: each message locks the state several times.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spins until `condition` holds, for a few microseconds at most: the condition often holds soon, which costs less than a
/// futex wait and wakeup.
fn spin_until(mut condition: impl FnMut() -> bool) {
    for round in 0..SPIN_ROUNDS {
        if condition() {
            return;
        }
        if round < SPIN_ROUNDS / 2 {
            (0..1 << round).for_each(|_| hint::spin_loop());
        } else {
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests;
