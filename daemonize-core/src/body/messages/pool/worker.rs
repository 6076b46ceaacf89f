//! A worker's life: it takes a message, handles it, takes the next one, and sleeps when there is none.

use super::{Guard, Pool, spin_until};
use crate::body::messages::delivery::Ack;
use crate::body::{BodyResult, guarded};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

/// A worker without work leaves after this time; the last one stays.
pub(super) const IDLE_WORKER_TIMEOUT: Duration =
    if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// The thread of the worker in this slot.
    pub(super) fn run_worker(self: &Arc<Self>, index: usize) {
        let mut state = self.lock();
        state.worker_started(index, thread::current());
        loop {
            while let Some(message) = state.take(index) {
                let call = state.wake_or_spawn();
                self.publish(&state);
                drop(state);
                self.perform(call);
                let ending = guarded("the handler of a message", || (self.handle)(message)).reported();
                state = self.finish(index, ending.error().is_none());
            }
            match self.wait_for_message(index, state) {
                Some(awake) => state = awake,
                None => return,
            }
        }
    }

    /// The end of a message: what is to be told, and that there is room.
    fn finish(self: &Arc<Self>, index: usize, well: bool) -> Guard<'_, T, A> {
        let tracked = if A::IS_EMPTY { None } else { self.lock().take_receipt(index) };
        match tracked {
            Some(tracked) if well => self.settle_receipt(|| tracked.receipt.ack()),
            Some(tracked) => self.nack_or_delay(tracked),
            None => {}
        }
        let mut state = self.lock();
        state.finish();
        self.counts.ended(well);
        self.publish(&state);
        self.notify_waiters();
        state
    }

    /// Without a message: looks around for a moment, sleeps until it is woken, leaves when it has been superfluous for a
    /// while.
    fn wait_for_message<'a>(&'a self, index: usize, mut state: Guard<'a, T, A>) -> Option<Guard<'a, T, A>> {
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
            let done = state.is_shut_down() || now >= deadline;
            if done && state.try_retire(index) {
                self.notify_waiters();
                return None;
            }
            if done {
                deadline = now + IDLE_WORKER_TIMEOUT;
            }
            drop(state);
            thread::park_timeout(deadline - now);
            state = self.lock();
            if state.take_wakeup(index) {
                return Some(state);
            }
        }
    }
}
