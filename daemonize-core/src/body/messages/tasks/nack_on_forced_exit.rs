//! Rejects the receipts of all messages in flight when the daemon is forced to exit.

use super::TaskPool;
use crate::body::messages::ack_async::AckAsync;
use crate::body::messages::unfinished;
use crate::mutex::lock;
use crate::shutdown::{InFlightMessages, SettlementReport};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::task::LocalSet;

impl<A, H> InFlightMessages for Arc<TaskPool<A, H>>
where
    A: AckAsync,
    H: Send + Sync + 'static,
{
    /// Does nothing: tasks that share the body's thread would never end while it waits.
    fn wait_until_done(&self) {}

    /// Runs the methods of the receipts in the calling thread, since handlers may block every thread of the runtime. A receipt
    /// that is settled without waiting for a timer or a socket needs no thread of the runtime.
    fn settle(&self) {
        let mut receipts = lock(&self.receipts);
        let all = receipts.take_all();
        if A::IS_EMPTY {
            receipts.unfinished = usize::try_from(self.counts.read().in_flight).unwrap_or(usize::MAX);
        }
        drop(receipts);
        let settling = LocalSet::new();
        for (receipt, why) in all {
            let pool = Arc::clone(self);
            settling.spawn_local(async move { pool.settle_receipt(receipt.nack(why)).await });
        }
        self.runtime.block_on(settling);
        // Tasks that have handled their message settle their receipts themselves.
        let receipts = lock(&self.receipts);
        drop(self.settled_sync.wait_while(receipts, |receipts| receipts.unsettled > 0));
    }

    fn outcome(&self, timeout: Duration) -> SettlementReport {
        let receipts = lock(&self.receipts);
        let (count, unsettled) = (receipts.unfinished, receipts.unsettled);
        drop(receipts);
        unfinished::report(count, "", unsettled, timeout, self.fetching.load(Relaxed))
    }
}
