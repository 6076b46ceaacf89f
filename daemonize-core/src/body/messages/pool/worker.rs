//! A worker's life: it takes a message, handles it, takes the next one, and sleeps when there is none.

use super::{Guard, Pool, look};
use crate::body::messages::delivery::Ack;
use crate::body::{BodyResult, guarded};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

/// A worker without work leaves after this time; the last one stays.
pub(super) const PATIENCE: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// The thread of the worker in this place.
    pub(super) fn work(self: &Arc<Self>, index: usize) {
        let mut state = self.lock();
        state.arrive(index, thread::current());
        loop {
            while let Some(message) = state.take(index) {
                let call = state.call();
                self.publish(&state);
                drop(state);
                self.answer(call);
                let ending = guarded("the handler of a message", || (self.handle)(message)).reported();
                state = self.finish(index, ending.error().is_none());
            }
            match self.rest(index, state) {
                Some(awake) => state = awake,
                None => return,
            }
        }
    }

    /// The end of a message: what is to be told, and that there is room.
    fn finish(self: &Arc<Self>, index: usize, well: bool) -> Guard<'_, T, A> {
        let tracked = if A::NOTHING { None } else { self.lock().receipt(index) };
        match tracked {
            Some(tracked) if well => self.tell(|| tracked.receipt.ack()),
            Some(tracked) => self.tell_failed(tracked),
            None => {}
        }
        let mut state = self.lock();
        state.finish();
        self.counts.ended(well);
        self.publish(&state);
        self.tell_of_change();
        state
    }

    /// Without a message: looks around for a moment, sleeps until it is called, leaves when it has been superfluous for a
    /// while.
    fn rest<'a>(&'a self, index: usize, mut state: Guard<'a, T, A>) -> Option<Guard<'a, T, A>> {
        if state.search() {
            drop(state);
            look(|| self.queued.load(Relaxed) > 0);
            state = self.lock();
            state.searched();
            if state.queued() > 0 {
                return Some(state);
            }
        }
        state.sleep(index);
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let now = Instant::now();
            let done = state.is_over() || now >= deadline;
            if done && state.may_leave(index) {
                self.tell_of_change();
                return None;
            }
            if done {
                deadline = now + PATIENCE;
            }
            drop(state);
            thread::park_timeout(deadline - now);
            state = self.lock();
            if state.was_called(index) {
                return Some(state);
            }
        }
    }
}
