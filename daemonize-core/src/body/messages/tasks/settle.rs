//! Settles receipts in tasks: `ack` after success, `retry` or `nack` after a failure.

use super::TaskPool;
use crate::body::IntoExit;
use crate::body::async_body::guarded_async;
use crate::body::messages::ack::Nack;
use crate::body::messages::ack_async::AckAsync;
use crate::body::messages::delivery::Tracked;
use crate::mutex::lock;
use crate::report;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

impl<A: AckAsync, H: Send + Sync + 'static> TaskPool<A, H> {
    /// Settles the receipt of a message that was handled; keeps the receipt if the message is due again later.
    pub(super) async fn settle_outcome(self: &Arc<Self>, Tracked { receipt, attempt }: Tracked<A>, succeeded: bool) {
        if succeeded {
            return self.settle_receipt(receipt.ack()).await;
        }
        let Some(delay) = self.retry.delay_after(attempt) else {
            report::error(&format!("giving up a message whose handler failed in attempt {attempt}"));
            return self.settle_receipt(receipt.nack(Nack::Exhausted)).await;
        };
        let mut returned = None;
        run_logged(async {
            returned = receipt.retry(delay).await?;
            Ok(())
        })
        .await;
        match returned {
            None => self.settled(),
            Some(receipt) => self.delay_receipt(receipt, delay).await,
        }
    }

    /// Keeps a receipt for this time, in a task of its own; rejects it now if it cannot be kept.
    async fn delay_receipt(self: &Arc<Self>, receipt: A, delay: Duration) {
        let due = Instant::now() + delay;
        let (key, instead) = lock(&self.receipts).delay(receipt, due);
        if let Some(key) = key {
            let pool = Arc::clone(self);
            tokio::spawn(async move {
                sleep_until(due.into()).await;
                let receipt = lock(&pool.receipts).take_delayed(key);
                if let Some(receipt) = receipt {
                    pool.settle_receipt(receipt.nack(Nack::Failed)).await;
                }
            });
        }
        if let Some(receipt) = instead {
            self.settle_receipt(receipt.nack(Nack::Failed)).await;
        }
    }

    /// Settles a receipt that was taken, and notes that it is settled.
    pub(super) async fn settle_receipt(
        &self,
        settling: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
    ) {
        run_logged(settling).await;
        self.settled();
    }

    /// Waits until no message is in flight and every receipt is settled.
    pub(super) async fn drain(self: &Arc<Self>) {
        // From now on a failed message is requeued without a delay: nothing is fetched any more, so it cannot be fetched again
        // too soon.
        let delayed = lock(&self.receipts).close_delayed();
        for receipt in delayed {
            let pool = Arc::clone(self);
            tokio::spawn(async move { pool.settle_receipt(receipt.nack(Nack::Failed)).await });
        }
        let all = u32::try_from(self.pool_size).unwrap_or(u32::MAX);
        let _ = self.permits.acquire_many(all).await;
        while lock(&self.receipts).unsettled > 0 {
            self.settled_async.notified().await;
        }
    }

    /// Notes that a receipt that was taken is settled.
    pub(super) fn settled(&self) {
        let mut receipts = lock(&self.receipts);
        receipts.unsettled -= 1;
        if receipts.unsettled == 0 {
            self.settled_sync.notify_all();
            // tokio stores this permit until a task waits; the condition variable wakes only threads that wait already.
            self.settled_async.notify_one();
        }
    }
}

/// Awaits a method of a receipt. An error or a panic of the method is logged, and has no other effect.
pub(super) async fn run_logged(settling: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) {
    let settling = pin!(async { settling.await.into_exit() });
    guarded_async("settling a receipt", settling).await.reported();
}
