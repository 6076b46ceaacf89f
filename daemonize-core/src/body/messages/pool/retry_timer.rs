//! Keeps the receipts of failed messages until their delay is over, then rejects them, so that the source requeues the message.

use super::Pool;
use super::state::UnsettledReceipt;
use crate::body::BodyResult;
use crate::body::messages::ack::{Ack, Nack};
use crate::body::messages::delayed_receipts::{Due, ReceiptKey};
use crate::mutex::wait_timeout;
use crate::thread::spawn;
use std::sync::Arc;
use std::time::Instant;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Keeps a receipt until it is due; rejects it now if it cannot be kept.
    pub(super) fn delay_receipt(self: &Arc<Self>, receipt: A, due: Instant) {
        let mut state = self.lock();
        let (key, instead) = state.delay(receipt, due);
        let spawns = key.is_some() && state.needs_retry_thread();
        drop(state);
        // The retry thread may wait for a receipt that is due later than this one.
        self.retry_wakeup.notify_one();
        if let Some(receipt) = instead {
            self.settle_receipt(|| receipt.nack(Nack::Failed));
        }
        if let Some(key) = key.filter(|_| spawns) {
            self.spawn_retry_thread(key);
        }
    }

    /// Spawns the thread that rejects delayed receipts. If it cannot be spawned, rejects the receipt with this key now.
    fn spawn_retry_thread(self: &Arc<Self>, key: ReceiptKey) {
        let pool = Arc::clone(self);
        let thread = spawn("daemon-retry", move || pool.nack_when_due());
        if let Ok(thread) = thread {
            return self.track_thread(thread);
        }
        let mut state = self.lock();
        state.retry_thread_failed();
        let receipt = state.take_delayed(key);
        drop(state);
        if let Some(receipt) = receipt {
            self.settle_receipt(|| receipt.nack(Nack::Failed));
        }
    }

    /// Runs the retry thread: rejects delayed receipts when they are due, and exits when none is left.
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

    /// Rejects the delayed receipts now, and delays none from now on.
    pub(super) fn nack_delayed(self: &Arc<Self>) {
        let receipts = self.lock().close_delayed();
        self.retry_wakeup.notify_one();
        let unsettled = |receipt| UnsettledReceipt { message: None, receipt, why: Nack::Failed };
        self.nack_all(receipts.into_iter().map(unsettled).collect());
    }
}
