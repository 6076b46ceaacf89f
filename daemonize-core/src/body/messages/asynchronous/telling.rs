//! Telling receipts what became of their messages: at once, when they are due, or all when the daemon ends.

use super::{Shared, tell};
use crate::body::messages::awaited::AckAsync;
use crate::body::messages::delivery::{Nack, Tracked};
use crate::body::messages::settling;
use crate::mutex::lock;
use crate::report;
use crate::shutdown;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;
use tokio::time::sleep_until;

impl<A: AckAsync, H: Send + Sync + 'static> Shared<A, H> {
    /// Tells a receipt that was taken what became of its message; keeps the receipt if the message is due again later.
    pub(super) async fn tell_outcome(self: &Arc<Self>, Tracked { receipt, attempt }: Tracked<A>, well: bool) {
        if well {
            return self.tell(receipt.ack()).await;
        }
        let Some(delay) = self.retry.delay_after(attempt) else {
            report::error(&format!("giving up a message whose handler failed in attempt {attempt}"));
            return self.tell(receipt.nack(Nack::Exhausted)).await;
        };
        let mut kept = None;
        tell(async {
            kept = receipt.retry(delay).await?;
            Ok(())
        })
        .await;
        match kept {
            None => self.told(),
            Some(receipt) => self.keep_waiting(receipt, delay).await,
        }
    }

    /// Keeps a receipt for this time, in a task of its own; tells it now where it cannot wait.
    async fn keep_waiting(self: &Arc<Self>, receipt: A, delay: Duration) {
        let due = Instant::now() + delay;
        let (ticket, instead) = lock(&self.receipts).wait(receipt, due);
        if let Some(ticket) = ticket {
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                sleep_until(due.into()).await;
                let receipt = lock(&shared.receipts).take_waiting(ticket);
                if let Some(receipt) = receipt {
                    shared.tell(receipt.nack(Nack::Failed)).await;
                }
            });
        }
        if let Some(receipt) = instead {
            self.tell(receipt.nack(Nack::Failed)).await;
        }
    }

    /// Tells a receipt that was taken, and notes that.
    async fn tell(&self, telling: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) {
        tell(telling).await;
        self.told();
    }

    /// Waits until nothing is in flight, and every receipt has been told.
    pub(super) async fn drain(self: &Arc<Self>) {
        // From now on a failed message is given back without a delay: as nothing is fetched any more, it cannot come
        // back too soon.
        let waiting = lock(&self.receipts).close_waiting();
        for receipt in waiting {
            let shared = Arc::clone(self);
            tokio::spawn(async move { shared.tell(receipt.nack(Nack::Failed)).await });
        }
        let all = u32::try_from(self.pool_size).unwrap_or(u32::MAX);
        let _ = self.permits.acquire_many(all).await;
        while lock(&self.receipts).telling > 0 {
            self.quiet.notified().await;
        }
    }

    /// Notes that a receipt that was taken has been told.
    pub(super) fn told(&self) {
        let mut receipts = lock(&self.receipts);
        receipts.telling -= 1;
        if receipts.telling == 0 {
            self.all_told.notify_all();
            // tokio stores this permit until a task waits; the condition variable wakes only threads that wait already.
            self.quiet.notify_one();
        }
    }
}

impl<A, H> shutdown::InFlightMessages for Arc<Shared<A, H>>
where
    A: AckAsync,
    H: Send + Sync + 'static,
{
    /// Does nothing: tasks that share the body's thread would never end while it waits.
    fn wait_until_done(&self) {}

    /// Outside of the runtime, whose threads handlers may block; a receipt that is ready at once needs none of them.
    fn settle(&self) {
        let mut receipts = lock(&self.receipts);
        let left = receipts.leftover();
        if A::NOTHING {
            receipts.cut = usize::try_from(self.counts.read().in_flight).unwrap_or(usize::MAX);
        }
        drop(receipts);
        let telling = LocalSet::new();
        for (receipt, why) in left {
            let shared = Arc::clone(self);
            telling.spawn_local(async move { shared.tell(receipt.nack(why)).await });
        }
        self.runtime.block_on(telling);
        let receipts = lock(&self.receipts);
        drop(self.all_told.wait_while(receipts, |receipts| receipts.telling > 0));
    }

    fn outcome(&self, limit: Duration) -> shutdown::SettlementReport {
        let receipts = lock(&self.receipts);
        let (cut, untold) = (receipts.cut, receipts.telling);
        drop(receipts);
        settling::outcome(cut, "", untold, limit, self.fetching.load(Relaxed))
    }
}
