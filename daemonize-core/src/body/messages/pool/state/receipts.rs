//! The receipts in the pool's state: of messages being handled, of messages whose handlers failed, and receipts being settled.

use super::{PoolState, WorkerSlot};
use crate::body::messages::ack::{Ack, Nack};
use crate::body::messages::delayed_receipts::{Due, ReceiptKey};
use crate::body::messages::delivery::Tracked;
use std::mem;
use std::time::Instant;

/// A receipt that was taken from the state and is to be rejected.
pub(in crate::body::messages::pool) struct UnsettledReceipt<T, A> {
    /// The message, if no handler has begun it. Dropping it is user code, which must not run under the pool's lock.
    pub(in crate::body::messages::pool) message: Option<T>,
    pub(in crate::body::messages::pool) receipt: A,
    pub(in crate::body::messages::pool) why: Nack,
}

impl<T, A: Ack> PoolState<T, A> {
    /// Takes the receipt of the message that this worker has handled, to be settled now. Returns `None` if another thread
    /// has taken it.
    pub(in crate::body::messages::pool) fn take_receipt(&mut self, index: usize) -> Option<Tracked<A>> {
        let receipt = self.slots[index].receipt.take()?;
        self.unsettled += 1;
        Some(receipt)
    }

    /// Notes that a receipt that was taken has been settled.
    pub(in crate::body::messages::pool) fn settled(&mut self) {
        self.unsettled -= 1;
    }

    /// Keeps a receipt that was taken until it is due. Returns its key if it is kept, and the receipt that is to be settled
    /// now in its place, if there is one.
    pub(in crate::body::messages::pool) fn delay(
        &mut self,
        receipt: A,
        due: Instant,
    ) -> (Option<ReceiptKey>, Option<A>) {
        let (key, instead) = self.delayed.insert(receipt, due);
        self.unsettled -= usize::from(instead.is_none());
        (key, instead)
    }

    /// Takes a delayed receipt, to be settled now.
    pub(in crate::body::messages::pool) fn take_delayed(&mut self, key: ReceiptKey) -> Option<A> {
        let receipt = self.delayed.take(key)?;
        self.unsettled += 1;
        Some(receipt)
    }

    /// Takes a receipt that is due, to be settled now. If no receipt is delayed any more, notes that the retry thread exits.
    pub(in crate::body::messages::pool) fn take_due(&mut self, now: Instant) -> Due<A> {
        let due = self.delayed.take_due(now);
        match due {
            Due::Now(_) => self.unsettled += 1,
            Due::At(_) => {}
            Due::Nothing => self.has_retry_thread = false,
        }
        due
    }

    /// Returns `true` if the caller has to spawn the retry thread, which is noted as running from now on.
    pub(in crate::body::messages::pool) fn needs_retry_thread(&mut self) -> bool {
        !mem::replace(&mut self.has_retry_thread, true)
    }

    /// Notes that the retry thread could not be spawned.
    pub(in crate::body::messages::pool) fn retry_thread_failed(&mut self) {
        self.has_retry_thread = false;
    }

    /// Takes all delayed receipts, to be settled now, and delays none from now on.
    pub(in crate::body::messages::pool) fn close_delayed(&mut self) -> Vec<A> {
        let receipts = self.delayed.close();
        self.unsettled += receipts.len();
        receipts
    }

    /// Returns the number of receipts that are being settled.
    pub(in crate::body::messages::pool) fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Counts a message that was fetched after the shutdown; its receipt is about to be rejected.
    pub(in crate::body::messages::pool) fn count_late_message(&mut self) {
        self.unsettled += 1;
        self.unfinished.1 += 1;
    }

    /// Shuts the pool down and takes the receipts of all messages, each to be rejected now.
    pub(in crate::body::messages::pool) fn take_all(&mut self) -> Vec<UnsettledReceipt<T, A>> {
        self.is_shut_down = true;
        // A worker whose receipt was taken has handled its message, and settles the receipt itself.
        let has_begun = |slot: &&WorkerSlot<A>| slot.receipt.is_some();
        let begun = if A::IS_EMPTY { self.busy } else { self.slots.iter().filter(has_begun).count() };
        self.unfinished = (begun, self.queue.len());
        let unsettled = |message, receipt, why| UnsettledReceipt { message, receipt, why };
        let begun = self.slots.iter_mut().filter_map(|slot| slot.receipt.take());
        let begun = begun.map(|Tracked { receipt, .. }| unsettled(None, receipt, Nack::Unfinished));
        let queued = self.queue.drain(..);
        let queued = queued.map(|(message, tracked)| unsettled(Some(message), tracked.receipt, Nack::Unfinished));
        let failed = self.delayed.close().into_iter().map(|receipt| unsettled(None, receipt, Nack::Failed));
        let all: Vec<_> = begun.chain(queued).chain(failed).collect();
        self.unsettled += all.len();
        all
    }

    /// Returns how many messages were unfinished at the shutdown: begun, and not begun.
    pub(in crate::body::messages::pool) fn unfinished(&self) -> (usize, usize) {
        self.unfinished
    }
}
