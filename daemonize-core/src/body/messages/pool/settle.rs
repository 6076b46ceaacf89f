//! Telling receipts what became of their messages: at once, when they are due, or all when the daemon ends.

use super::state::UnsettledReceipt;
use super::{AGAIN, Pool, mutex};
use crate::body::messages::delayed_receipts::{Due, ReceiptKey};
use crate::body::messages::delivery::{Ack, Nack, Tracked};
use crate::body::messages::unfinished;
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
const MAX_SETTLE_THREADS: usize = 16;

/// The result of telling a receipt.
type SettleResult<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Tells a receipt that was in_use from the state, and notes that it has been told.
    pub(super) fn settle_receipt(&self, f: impl FnOnce() -> SettleResult) {
        attempt(f);
        let mut state = self.lock();
        state.settled();
        self.notify_waiters();
    }

    /// Tells the receipt of a message whose handler failed, or keeps it until it is due.
    pub(super) fn nack_or_delay(self: &Arc<Self>, Tracked { receipt, attempt: number }: Tracked<A>) {
        let Some(delay) = self.retry.delay_after(number) else {
            report::error(&format!("giving up a message whose handler failed in attempt {number}"));
            return self.settle_receipt(|| receipt.nack(Nack::Exhausted));
        };
        let mut kept = None;
        self.settle_unless_returned(|| receipt.retry(delay), &mut kept);
        if let Some(receipt) = kept {
            self.delay_receipt(receipt, Instant::now() + delay);
        }
    }

    /// As [`tell`](Pool::tell); a receipt that is given back is not told yet.
    fn settle_unless_returned(&self, f: impl FnOnce() -> SettleResult<Option<A>>, kept: &mut Option<A>) {
        attempt(|| f().map(|receipt| *kept = receipt));
        if kept.is_none() {
            self.lock().settled();
            self.notify_waiters();
        }
    }

    /// Keeps a receipt until it is due; tells it now where it cannot wait.
    fn delay_receipt(self: &Arc<Self>, receipt: A, due: Instant) {
        let mut state = self.lock();
        let (key, instead) = state.delay(receipt, due);
        let attend = key.is_some() && state.needs_retry_thread();
        drop(state);
        self.retry_wakeup.notify_one();
        if let Some(receipt) = instead {
            self.settle_receipt(|| receipt.nack(Nack::Failed));
        }
        if let Some(key) = key.filter(|_| attend) {
            self.attend(key);
        }
    }

    /// Makes the thread that sees to the receipts that wait. Where it cannot be made, the one with this key is told now.
    fn attend(self: &Arc<Self>, key: ReceiptKey) {
        let pool = Arc::clone(self);
        let thread = spawn("daemon-retry", move || pool.nack_when_due());
        if let Ok(thread) = thread {
            return self.keep(thread);
        }
        let mut state = self.lock();
        state.retry_thread_failed();
        let receipt = state.take_delayed(key);
        drop(state);
        if let Some(receipt) = receipt {
            self.settle_receipt(|| receipt.nack(Nack::Failed));
        }
    }

    /// Tells receipts that wait when they are due, until none waits.
    fn nack_when_due(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            match state.take_due(now) {
                Due::Nothing => return,
                Due::At(due) => {
                    state = wait_timeout(&self.retry_wakeup, state, due - now);
                }
                Due::Now(receipt) => {
                    drop(state);
                    self.settle_receipt(|| receipt.nack(Nack::Failed));
                    state = self.lock();
                }
            }
        }
    }

    /// Tells the receipts that wait now, and lets none wait any more.
    pub(super) fn nack_delayed(self: &Arc<Self>) {
        let receipts = self.lock().close_delayed();
        self.retry_wakeup.notify_one();
        let untold = |receipt| UnsettledReceipt { message: None, receipt, why: Nack::Failed };
        self.settle_all(receipts.into_iter().map(untold).collect());
    }

    /// Tells receipts, many at the same time: one that waits for a slow broker must not take the others' time. Returns when
    /// this thread finds no more of them.
    fn settle_all(self: &Arc<Self>, receipts: Vec<UnsettledReceipt<T, A>>) {
        let helpers = receipts.len().min(MAX_SETTLE_THREADS).saturating_sub(1);
        let queue = Arc::new(Mutex::new(receipts));
        for _ in 0..helpers {
            let (pool, queue) = (Arc::clone(self), Arc::clone(&queue));
            let helper = spawn("daemon-nack", move || pool.settle_queue(&queue));
            if helper.is_err() {
                break;
            }
        }
        self.settle_queue(&queue);
    }

    fn settle_queue(&self, queue: &Mutex<Vec<UnsettledReceipt<T, A>>>) {
        let next = || mutex::lock(queue).pop();
        while let Some(UnsettledReceipt { message, receipt, why }) = next() {
            self.settle_receipt(move || {
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
        let left = self.lock().take_all();
        self.retry_wakeup.notify_one();
        self.settle_all(left);
        let mut state = self.lock();
        while state.unsettled() > 0 {
            state = self.wait(state, AGAIN);
        }
    }

    fn outcome(&self, limit: Duration) -> shutdown::SettlementReport {
        let state = self.lock();
        let (cut, untold) = (state.unfinished(), state.unsettled());
        drop(state);
        let details = format!(" ({} begun, {} not begun)", cut.0, cut.1);
        unfinished::outcome(cut.0 + cut.1, &details, untold, limit, self.fetching.load(Relaxed))
    }
}

/// Calls a function that tells a receipt. An error or a panic of the function is logged, and has no other effect.
fn attempt(f: impl FnOnce() -> SettleResult) {
    guarded("telling about a message", || f().into_exit()).reported();
}
