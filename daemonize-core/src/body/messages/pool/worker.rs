//! Runs a worker thread: it takes a message, handles it, takes the next one, and parks if none is queued.

use super::{Guard, Pool, spin_until};
use crate::body::messages::ack::Ack;
use crate::body::{BodyResult, guarded};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

/// The time after which an idle worker exits; the last worker stays.
pub(super) const IDLE_WORKER_TIMEOUT: Duration =
    if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Runs the worker of this slot until it exits.
    pub(super) fn run_worker(self: &Arc<Self>, index: usize) {
        let mut state = self.lock();
        state.worker_started(index, thread::current());
        loop {
            while let Some(message) = state.take(index) {
                // This worker is busy from now on: if more messages are queued, another worker has to take them.
                let action = state.wake_or_spawn();
                self.publish(&state);
                drop(state);
                self.perform(action);
                let result = guarded("the handler of a message", || (self.handle)(message)).reported();
                state = self.finish(index, result.error().is_none());
            }
            match self.wait_for_message(index, state) {
                Some(awake) => state = awake,
                None => return,
            }
        }
    }

    /// Settles the receipt of a message that was handled, then notes that the worker is free.
    fn finish(self: &Arc<Self>, index: usize, succeeded: bool) -> Guard<'_, T, A> {
        let tracked = if A::IS_EMPTY { None } else { self.lock().take_receipt(index) };
        match tracked {
            Some(tracked) if succeeded => self.settle_receipt(|| tracked.receipt.ack()),
            Some(tracked) => self.nack_or_delay(tracked),
            None => {}
        }
        let mut state = self.lock();
        state.finish();
        self.counts.ended(succeeded);
        self.publish(&state);
        self.notify_waiters();
        state
    }

    /// Spins for a moment, then parks until a message is queued. Returns `None` if the worker is to exit: the pool is shut
    /// down, or the worker was idle for [`IDLE_WORKER_TIMEOUT`].
    fn wait_for_message<'a>(&'a self, index: usize, mut state: Guard<'a, T, A>) -> Option<Guard<'a, T, A>> {
        // One worker spins at a time: the next message often arrives within microseconds, which costs less than a futex wait
        // and wakeup.
        if state.begin_search() {
            drop(state);
            spin_until(|| self.queued.load(Relaxed) > 0);
            state = self.lock();
            state.end_search();
            if state.queued() > 0 {
                return Some(state);
            }
        }
        state.sleep(index);
        let mut deadline = Instant::now() + IDLE_WORKER_TIMEOUT;
        loop {
            let now = Instant::now();
            let wants_to_exit = state.is_shut_down() || now >= deadline;
            if wants_to_exit && state.try_retire(index) {
                self.notify_waiters();
                return None;
            }
            if wants_to_exit {
                deadline = now + IDLE_WORKER_TIMEOUT;
            }
            drop(state);
            // It may also return without a wakeup, see `std::thread::park`.
            thread::park_timeout(deadline - now);
            state = self.lock();
            if state.take_wakeup(index) {
                return Some(state);
            }
        }
    }
}
