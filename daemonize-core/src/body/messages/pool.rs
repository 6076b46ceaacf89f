//! The pool: one thread fetches, others handle.
//!
//! A message is fetched only when a worker is free for it or may be made, so what is in flight is never more than the
//! pool, and whatever else there is stays with whoever has it. The fetched message waits in a queue for the worker that
//! is on its way; a worker that finishes earlier takes it instead. So as long as there is something to do, workers pass from
//! one message to the next without a system call, and all that a message costs is a lock.
//!
//! A channel would keep the queue alone. Who is free, who is to be woken or made, and what is to be told about which message
//! would need a lock beside it. `scripts/bench messages` measures both: with handlers that wait for a millisecond they cost
//! about the same, with handlers that do nothing and few workers a channel that spins is faster.

mod telling;
mod worker;

use super::delivery::{Ack, Nack, Tracked};
use super::retry::Retry;
use super::state::{Call, State};
use crate::body::BodyResult;
use crate::counters::Counts;
use crate::mutex;
use crate::report;
use crate::stop_flag;
use crate::thread::spawn;
use std::hint;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// After a thread could not be made, no other is tried for this time.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks before going to sleep, each with a pause twice as long: some microseconds in all.
const LOOKS: u32 = 10;

/// Workers, and what they share.
pub(super) struct Pool<T, A, H> {
    state: Mutex<State<T, A>>,
    /// For the one who fetches: there is room, or all is done.
    change: Condvar,
    /// Whether one of them waits.
    awaited: AtomicBool,
    /// The numbers of the same name in the state, for those who look without the lock.
    queued: AtomicUsize,
    in_flight: AtomicUsize,
    size: usize,
    /// Those that were made and may not have ended.
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Whether the function that fetches has been called and not returned.
    fetching: AtomicBool,
    /// Whether it was said that a thread could not be made.
    said: AtomicBool,
    handle: H,
    retry: Retry,
    /// For the thread that sees to the receipts that wait.
    sooner: Condvar,
    counts: &'static Counts,
}

type Guard<'a, T, A> = MutexGuard<'a, State<T, A>>;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    pub(super) fn new(size: usize, handle: H, retry: Retry, counts: &'static Counts) -> Arc<Pool<T, A, H>> {
        Arc::new(Pool {
            state: Mutex::new(State::new(size)),
            change: Condvar::new(),
            awaited: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            size,
            threads: Mutex::new(Vec::new()),
            fetching: AtomicBool::new(false),
            said: AtomicBool::new(false),
            handle,
            retry,
            sooner: Condvar::new(),
            counts,
        })
    }

    /// Waits until there is a worker for one more message, or may be; whether there is.
    pub(super) fn wait_for_room(self: &Arc<Self>, is_over: impl Fn() -> bool) -> bool {
        let mut state = self.lock();
        if state.workers() == 0 {
            // Before anything is fetched: without a worker nobody could handle it.
            let call = state.make();
            drop(state);
            return self.answer(call);
        }
        if !state.has_room(Instant::now()) {
            drop(state);
            look(|| self.in_flight.load(Relaxed) < self.size);
            state = self.lock();
        }
        while !state.has_room(Instant::now()) && !is_over() {
            state = self.wait(state, AGAIN);
        }
        // A message that came when no thread could be made may have waited until now.
        let call = state.call();
        drop(state);
        self.answer(call);
        !is_over()
    }

    /// One more message; whether there is room for another one.
    pub(super) fn push(self: &Arc<Self>, message: T, receipt: Tracked<A>) -> bool {
        let mut state = self.lock();
        if state.is_over() {
            state.came_too_late();
            drop(state);
            self.tell(|| receipt.receipt.nack(Nack::Unfinished));
            return false;
        }
        self.counts.fetched();
        let call = state.push(message, receipt);
        let room = state.is_below_limit();
        self.publish(&state);
        drop(state);
        self.answer(call) && room
    }

    /// Whether the function that fetches is being called.
    pub(super) fn set_fetching(&self, yes: bool) {
        self.fetching.store(yes, Relaxed);
    }

    /// Waits until nothing is in flight, and ends the workers; calls `is_over` now and then, which shows that this waits
    /// and does not hang.
    pub(super) fn drain(self: &Arc<Self>, is_over: impl Fn() -> bool) {
        // From now on a failed message is given back without a delay: as nothing is fetched any more, it cannot come
        // back too soon.
        self.tell_waiting();
        let mut state = self.lock();
        while (state.in_flight() > 0 || state.telling() > 0) && !state.is_over() && is_over() {
            state = self.wait(state, AGAIN);
        }
        if state.is_over() {
            return;
        }
        state.end().iter().for_each(Thread::unpark);
        drop(state);
        // To their very ends: what they keep in their threads is dropped, and so is the handler when the pool is.
        let threads = mem::take(&mut *mutex::lock(&self.threads));
        for thread in threads {
            let _ = thread.join();
        }
    }

    /// Calls whoever is to come; whether he will.
    fn answer(self: &Arc<Self>, call: Call) -> bool {
        match call {
            Call::Nobody => {}
            Call::Wake(thread) => thread.unpark(),
            Call::Make(index) => {
                let pool = Arc::clone(self);
                match spawn("daemon-worker", move || pool.work(index)) {
                    Ok(worker) => self.keep(worker),
                    Err(error) => {
                        self.not_made(index, &error);
                        return false;
                    }
                }
            }
        }
        true
    }

    fn keep(&self, worker: JoinHandle<()>) {
        let mut threads = mutex::lock(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(worker);
    }

    fn not_made(self: &Arc<Self>, index: usize, error: &std::io::Error) {
        let mut state = self.lock();
        state.not_made(index, Instant::now() + AGAIN);
        let workers = state.workers();
        // A message may have come meanwhile, for which the one that was not made counted as on his way.
        let call = state.wake();
        drop(state);
        self.answer(call);
        if !self.said.swap(true, Relaxed) {
            report::error(&format!("no thread for one more worker, going on with {workers}: {error}"));
        }
    }

    fn wait<'a>(&self, state: Guard<'a, T, A>, time: Duration) -> Guard<'a, T, A> {
        self.awaited.store(true, Relaxed);
        let _asleep = stop_flag::SleepGuard::new();
        mutex::wait_timeout(&self.change, state, time)
    }

    /// Under the lock, so that whoever looked before he began to wait is told.
    fn tell_of_change(&self) {
        if self.awaited.load(Relaxed) {
            self.awaited.store(false, Relaxed);
            self.change.notify_all();
        }
    }

    fn publish(&self, state: &State<T, A>) {
        self.queued.store(state.queued(), Relaxed);
        self.in_flight.store(state.in_flight(), Relaxed);
    }

    fn lock(&self) -> Guard<'_, T, A> {
        // In place, unlike `mutex::lock`: each message locks it several times.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks a few times, since what is looked for often comes at once, and is cheaper had than slept for.
fn look(mut is_there: impl FnMut() -> bool) {
    for round in 0..LOOKS {
        if is_there() {
            return;
        }
        if round < LOOKS / 2 {
            (0..1 << round).for_each(|_| hint::spin_loop());
        } else {
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests;
