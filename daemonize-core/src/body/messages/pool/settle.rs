//! Settles receipts: `ack` after success, `retry` or `nack` after a failure.

use super::Pool;
use crate::body::messages::ack::{Ack, Nack};
use crate::body::messages::delivery::Tracked;
use crate::body::{BodyResult, IntoExit, guarded};
use crate::report;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

/// The result of a method of [`Ack`].
pub(super) type SettleResult<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Settles a receipt that was taken from the state, and notes that it is settled.
    pub(super) fn settle_receipt(&self, f: impl FnOnce() -> SettleResult) {
        run_logged(f);
        let mut state = self.lock();
        state.settled();
        self.notify_waiters();
    }

    /// Settles the receipt of a message whose handler failed, or keeps it until its delay is over.
    pub(super) fn nack_or_delay(self: &Arc<Self>, Tracked { receipt, attempt }: Tracked<A>) {
        let Some(delay) = self.retry.delay_after(attempt) else {
            report::error(&format!("giving up a message whose handler failed in attempt {attempt}"));
            return self.settle_receipt(|| receipt.nack(Nack::Exhausted));
        };
        let mut returned = None;
        self.settle_unless_returned(|| receipt.retry(delay), &mut returned);
        if let Some(receipt) = returned {
            self.delay_receipt(receipt, Instant::now() + delay);
        }
    }

    /// As [`settle_receipt`](Pool::settle_receipt); a receipt that `f` returns is not settled yet.
    fn settle_unless_returned(&self, f: impl FnOnce() -> SettleResult<Option<A>>, returned: &mut Option<A>) {
        run_logged(|| f().map(|receipt| *returned = receipt));
        if returned.is_none() {
            self.lock().settled();
            self.notify_waiters();
        }
    }
}

/// Calls a method of a receipt. An error or a panic of the method is logged, and has no other effect.
fn run_logged(f: impl FnOnce() -> SettleResult) {
    guarded("settling a receipt", || f().into_exit()).reported();
}
