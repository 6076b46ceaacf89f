//! The receipts of messages that are handled by tasks.

use crate::body::messages::ack::Nack;
use crate::body::messages::delayed_receipts::{DelayedReceipts, ReceiptKey};
use crate::body::messages::delivery::Tracked;
use std::time::Instant;

/// The receipts of the messages in flight, and of messages whose handlers failed.
pub(super) struct Receipts<A> {
    pub(super) slots: Vec<Option<Tracked<A>>>,
    /// The indices of empty slots.
    free: Vec<u32>,
    /// The number of receipts that were taken and are being settled at this moment.
    pub(super) unsettled: usize,
    /// The receipts of messages whose handlers failed.
    pub(super) delayed: DelayedReceipts<A>,
    /// The number of messages that were unfinished when the daemon was forced to exit.
    pub(super) unfinished: usize,
    /// `true` once the thread that ends the daemon has taken all receipts.
    pub(super) is_closed: bool,
}

impl<A> Receipts<A> {
    pub(super) fn new() -> Receipts<A> {
        Receipts {
            slots: Vec::new(),
            free: Vec::new(),
            unsettled: 0,
            delayed: DelayedReceipts::new(),
            unfinished: 0,
            is_closed: false,
        }
    }

    /// Keeps a receipt and returns the index of its slot.
    ///
    /// # Errors
    /// The receipt, to be rejected now, if the daemon is being forced to exit.
    pub(super) fn insert(&mut self, receipt: Tracked<A>) -> Result<u32, Tracked<A>> {
        if self.is_closed {
            self.unsettled += 1;
            self.unfinished += 1;
            return Err(receipt);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // There are never more slots than the pool size.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.slots[slot as usize] = Some(receipt);
        Ok(slot)
    }

    /// Takes the receipt of a message that was handled, to be settled now; `None` if the thread that ends the daemon has it.
    pub(super) fn take(&mut self, slot: u32) -> Option<Tracked<A>> {
        let receipt = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        self.unsettled += 1;
        Some(receipt)
    }

    /// Keeps the receipt of a message whose handler failed until it is due. Returns its key if it is kept, and the receipt
    /// that is to be settled now in its place, if there is one.
    pub(super) fn delay(&mut self, receipt: A, due: Instant) -> (Option<ReceiptKey>, Option<A>) {
        let (key, instead) = self.delayed.insert(receipt, due);
        self.unsettled -= usize::from(instead.is_none());
        (key, instead)
    }

    /// Takes a delayed receipt that is due, to be settled now; `None` if it was taken before.
    pub(super) fn take_delayed(&mut self, key: ReceiptKey) -> Option<A> {
        let receipt = self.delayed.take(key)?;
        self.unsettled += 1;
        Some(receipt)
    }

    /// Takes all delayed receipts, to be settled now, and delays none from now on.
    pub(super) fn close_delayed(&mut self) -> Vec<A> {
        let receipts = self.delayed.close();
        self.unsettled += receipts.len();
        receipts
    }

    /// Takes all receipts, each to be rejected now, and keeps none from now on.
    pub(super) fn take_all(&mut self) -> Vec<(A, Nack)> {
        self.is_closed = true;
        let in_flight = self.slots.iter_mut().filter_map(Option::take);
        let mut all: Vec<_> = in_flight.map(|tracked| (tracked.receipt, Nack::Unfinished)).collect();
        self.unfinished += all.len();
        self.unsettled += all.len();
        all.extend(self.close_delayed().into_iter().map(|receipt| (receipt, Nack::Failed)));
        all
    }
}
