//! Telling receipts what became of their messages: at once, when they are due, or all when the daemon ends.

use super::{AGAIN, Pool, mutex};
use crate::body::messages::delivery::{Ack, Nack, Tracked};
use crate::body::messages::settling;
use crate::body::messages::state::Untold;
use crate::body::messages::waiting::{Due, Ticket};
use crate::body::{BodyResult, IntoExit, guarded};
use crate::mutex::wait_timeout;
use crate::report;
use crate::shutdown::{self, InFlightMessages};
use crate::stop_flag;
use crate::thread::spawn;
use std::error::Error;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Receipts that are told at the same time when the daemon ends.
const MAX_TELLING_THREADS: usize = 16;

/// The result of telling a receipt.
type Told<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Tells a receipt that was taken from the state, and notes that it has been told.
    pub(super) fn tell(&self, f: impl FnOnce() -> Told) {
        attempt(f);
        let mut state = self.lock();
        state.told();
        self.tell_of_change();
    }

    /// Tells the receipt of a message whose handler failed, or keeps it until it is due.
    pub(super) fn tell_failed(self: &Arc<Self>, Tracked { receipt, attempt: number }: Tracked<A>) {
        let Some(delay) = self.retry.delay_after(number) else {
            report::error(&format!("giving up a message whose handler failed in attempt {number}"));
            return self.tell(|| receipt.nack(Nack::Exhausted));
        };
        let mut kept = None;
        self.tell_unless_kept(|| receipt.retry(delay), &mut kept);
        if let Some(receipt) = kept {
            self.keep_waiting(receipt, Instant::now() + delay);
        }
    }

    /// As [`tell`](Pool::tell); a receipt that is given back is not told yet.
    fn tell_unless_kept(&self, f: impl FnOnce() -> Told<Option<A>>, kept: &mut Option<A>) {
        attempt(|| f().map(|receipt| *kept = receipt));
        if kept.is_none() {
            self.lock().told();
            self.tell_of_change();
        }
    }

    /// Keeps a receipt until it is due; tells it now where it cannot wait.
    fn keep_waiting(self: &Arc<Self>, receipt: A, due: Instant) {
        let mut state = self.lock();
        let (ticket, instead) = state.wait(receipt, due);
        let attend = ticket.is_some() && state.attend();
        drop(state);
        self.sooner.notify_one();
        if let Some(receipt) = instead {
            self.tell(|| receipt.nack(Nack::Failed));
        }
        if let Some(ticket) = ticket.filter(|_| attend) {
            self.attend(ticket);
        }
    }

    /// Makes the thread that sees to the receipts that wait. Where it cannot be made, the one with this ticket is told now.
    fn attend(self: &Arc<Self>, ticket: Ticket) {
        let pool = Arc::clone(self);
        let thread = spawn("daemon-retry", move || pool.tell_when_due());
        if let Ok(thread) = thread {
            return self.keep(thread);
        }
        let mut state = self.lock();
        state.not_attended();
        let receipt = state.take_waiting(ticket);
        drop(state);
        if let Some(receipt) = receipt {
            self.tell(|| receipt.nack(Nack::Failed));
        }
    }

    /// Tells receipts that wait when they are due, until none waits.
    fn tell_when_due(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            match state.take_due(now) {
                Due::Nothing => return,
                Due::At(due) => {
                    state = wait_timeout(&self.sooner, state, due - now);
                }
                Due::Now(receipt) => {
                    drop(state);
                    self.tell(|| receipt.nack(Nack::Failed));
                    state = self.lock();
                }
            }
        }
    }

    /// Tells the receipts that wait now, and lets none wait any more.
    pub(super) fn tell_waiting(self: &Arc<Self>) {
        let receipts = self.lock().close_waiting();
        self.sooner.notify_one();
        let untold = |receipt| Untold { message: None, receipt, why: Nack::Failed };
        self.tell_all(receipts.into_iter().map(untold).collect());
    }

    /// Tells receipts, many at the same time: one that waits for a slow broker must not take the others' time. Returns when
    /// this thread finds no more of them.
    fn tell_all(self: &Arc<Self>, receipts: Vec<Untold<T, A>>) {
        let helpers = receipts.len().min(MAX_TELLING_THREADS).saturating_sub(1);
        let queue = Arc::new(Mutex::new(receipts));
        for _ in 0..helpers {
            let (pool, queue) = (Arc::clone(self), Arc::clone(&queue));
            let helper = spawn("daemon-nack", move || pool.tell_from(&queue));
            if helper.is_err() {
                break;
            }
        }
        self.tell_from(&queue);
    }

    fn tell_from(&self, queue: &Mutex<Vec<Untold<T, A>>>) {
        let next = || mutex::lock(queue).pop();
        while let Some(Untold { message, receipt, why }) = next() {
            self.tell(move || {
                drop(message);
                receipt.nack(why)
            });
        }
    }
}

impl<T, A, H> InFlightMessages for Arc<Pool<T, A, H>>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    fn wait_until_done(&self) {
        self.drain(stop_flag::poll_stop);
    }

    fn settle(&self) {
        let left = self.lock().leftover();
        self.sooner.notify_one();
        self.tell_all(left);
        let mut state = self.lock();
        while state.telling() > 0 {
            state = self.wait(state, AGAIN);
        }
    }

    fn outcome(&self, limit: Duration) -> shutdown::SettlementReport {
        let state = self.lock();
        let (cut, untold) = (state.cut(), state.telling());
        drop(state);
        let details = format!(" ({} begun, {} not begun)", cut.0, cut.1);
        settling::outcome(cut.0 + cut.1, &details, untold, limit, self.fetching.load(Relaxed))
    }
}

/// Calls a function that tells a receipt. An error or a panic of the function is logged, and has no other effect.
fn attempt(f: impl FnOnce() -> Told) {
    guarded("telling about a message", || f().into_exit()).reported();
}
