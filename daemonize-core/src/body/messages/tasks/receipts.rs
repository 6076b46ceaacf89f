//! The receipts of messages that are handled by tasks.

use crate::body::messages::delayed_receipts::{DelayedReceipts, ReceiptKey};
use crate::body::messages::delivery::{Nack, Tracked};
use std::time::Instant;

/// The receipts of the messages in flight.
pub(super) struct Receipts<A> {
    pub(super) slots: Vec<Option<Tracked<A>>>,
    /// The slots where there is none.
    free: Vec<u32>,
    /// The number of receipts that are being told at this moment: taken from here, and not yet used up.
    pub(super) unsettled: usize,
    /// The receipts of messages whose handlers failed.
    pub(super) delayed: DelayedReceipts<A>,
    /// How many messages were not handled to their end when all was over.
    pub(super) cut: usize,
    /// The receipts of what was in flight are taken by the thread that ends the daemon.
    pub(super) over: bool,
}

impl<A> Receipts<A> {
    pub(super) fn new() -> Receipts<A> {
        Receipts {
            slots: Vec::new(),
            free: Vec::new(),
            unsettled: 0,
            delayed: DelayedReceipts::new(),
            cut: 0,
            over: false,
        }
    }

    /// Keeps one and returns where. When all is over, gives it back to be told so now.
    pub(super) fn keep(&mut self, receipt: Tracked<A>) -> Result<u32, Tracked<A>> {
        if self.over {
            self.unsettled += 1;
            self.cut += 1;
            return Err(receipt);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // No more than the pool is large.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.slots[slot as usize] = Some(receipt);
        Ok(slot)
    }

    /// Takes the receipt of a message that was handled, to be told now; `None` if the thread that ends the daemon has it.
    pub(super) fn take(&mut self, slot: u32) -> Option<Tracked<A>> {
        let receipt = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        self.unsettled += 1;
        Some(receipt)
    }

    /// Keeps the receipt of a message whose handler failed until it is due. Returns its key if it waits, and the receipt
    /// that is to be told now in its slot, if there is one.
    pub(super) fn delay(&mut self, receipt: A, due: Instant) -> (Option<ReceiptKey>, Option<A>) {
        let (key, instead) = self.delayed.insert(receipt, due);
        self.unsettled -= usize::from(instead.is_none());
        (key, instead)
    }

    /// Takes a receipt that is due, to be told now, unless that has been done.
    pub(super) fn take_delayed(&mut self, key: ReceiptKey) -> Option<A> {
        let receipt = self.delayed.take(key)?;
        self.unsettled += 1;
        Some(receipt)
    }

    /// Takes the receipts that wait, to be told now, and lets none wait any more.
    pub(super) fn close_delayed(&mut self) -> Vec<A> {
        let receipts = self.delayed.close();
        self.unsettled += receipts.len();
        receipts
    }

    /// Takes all receipts, each to be told now.
    pub(super) fn take_all(&mut self) -> Vec<(A, Nack)> {
        self.over = true;
        let cut = self.slots.iter_mut().filter_map(Option::take).map(|tracked| (tracked.receipt, Nack::Unfinished));
        let mut left: Vec<_> = cut.collect();
        self.cut += left.len();
        self.unsettled += left.len();
        left.extend(self.close_delayed().into_iter().map(|receipt| (receipt, Nack::Failed)));
        left
    }
}
