//! Rejects the receipts of all messages in flight when the daemon is forced to exit.

use super::state::UnsettledReceipt;
use super::{POLL_INTERVAL, Pool};
use crate::body::BodyResult;
use crate::body::messages::ack::Ack;
use crate::body::messages::unfinished;
use crate::mutex;
use crate::shutdown::{InFlightMessages, SettlementReport};
use crate::stop_flag;
use crate::thread::spawn;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The largest number of receipts that are rejected at the same time.
const MAX_NACK_THREADS: usize = 16;

impl<T, A, H> Pool<T, A, H>
where
    T: Send + 'static,
    A: Ack,
    H: Fn(T) -> BodyResult + Send + Sync + 'static,
{
    /// Rejects receipts, up to 16 at the same time: one that waits for a slow broker must not use up the time of the others.
    /// Returns when this thread finds no receipt any more; other threads may still be rejecting one each.
    pub(super) fn nack_all(self: &Arc<Self>, receipts: Vec<UnsettledReceipt<T, A>>) {
        let helpers = receipts.len().min(MAX_NACK_THREADS).saturating_sub(1);
        let queue = Arc::new(Mutex::new(receipts));
        for _ in 0..helpers {
            let (pool, queue) = (Arc::clone(self), Arc::clone(&queue));
            let helper = spawn("daemon-nack", move || pool.nack_from(&queue));
            if helper.is_err() {
                break;
            }
        }
        self.nack_from(&queue);
    }

    fn nack_from(&self, queue: &Mutex<Vec<UnsettledReceipt<T, A>>>) {
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
        let receipts = self.lock().take_all();
        self.retry_wakeup.notify_one();
        self.nack_all(receipts);
        // Workers that have handled their message, and the helpers above, settle their receipts themselves.
        let mut state = self.lock();
        while state.unsettled() > 0 {
            state = self.wait(state, POLL_INTERVAL);
        }
    }

    fn outcome(&self, timeout: Duration) -> SettlementReport {
        let state = self.lock();
        let ((begun, queued), unsettled) = (state.unfinished(), state.unsettled());
        drop(state);
        let details = format!(" ({begun} begun, {queued} not begun)");
        unfinished::report(begun + queued, &details, unsettled, timeout, self.fetching.load(Relaxed))
    }
}
