//! The receipts of messages whose handlers failed, until their delay is over.

use std::collections::BTreeMap;
use std::mem;
use std::time::Instant;

/// The largest number of delayed receipts, which bounds their memory: beyond it, the one that is due first is settled early.
pub(super) const MAX_DELAYED_RECEIPTS: usize = 10_000;

/// Receipts in the order in which they are due.
#[derive(Debug)]
pub(super) struct DelayedReceipts<A> {
    receipts: BTreeMap<ReceiptKey, A>,
    next: u64,
    /// `true` if no receipt is delayed any more, because the daemon ends.
    closed: bool,
}

/// The time when a receipt is due, and a number that distinguishes receipts that are due at the same time.
pub(super) type ReceiptKey = (Instant, u64);

impl<A> DelayedReceipts<A> {
    pub(super) fn new() -> DelayedReceipts<A> {
        DelayedReceipts { receipts: BTreeMap::new(), next: 0, closed: false }
    }

    /// Keeps a receipt until `due`, and returns its key. Also returns the receipt to settle now instead, if there is one:
    /// the receipt itself after [`close`](DelayedReceipts::close), or the one due first if there are too many.
    pub(super) fn insert(&mut self, receipt: A, due: Instant) -> (Option<ReceiptKey>, Option<A>) {
        if self.closed {
            return (None, Some(receipt));
        }
        let key = (due, self.next);
        self.next += 1;
        self.receipts.insert(key, receipt);
        let first = if self.receipts.len() > MAX_DELAYED_RECEIPTS { self.receipts.pop_first() } else { None };
        (Some(key), first.map(|(_, receipt)| receipt))
    }

    /// Takes the receipt with this key; `None` if it was taken before.
    pub(super) fn take(&mut self, key: ReceiptKey) -> Option<A> {
        self.receipts.remove(&key)
    }

    /// Takes a receipt that is due, or returns the time when the next one will be.
    pub(super) fn take_due(&mut self, now: Instant) -> Due<A> {
        match self.receipts.first_key_value().map(|(key, _)| *key) {
            None => Due::Nothing,
            Some((due, _)) if due > now => Due::At(due),
            Some(key) => self.take(key).map_or(Due::Nothing, Due::Now),
        }
    }

    /// Takes all receipts, and keeps none from now on.
    pub(super) fn close(&mut self) -> Vec<A> {
        self.closed = true;
        mem::take(&mut self.receipts).into_values().collect()
    }
}

/// The outcome of [`DelayedReceipts::take_due`]: a receipt that is due, the time when the next one will be, or neither.
#[derive(Debug, PartialEq)]
pub(super) enum Due<A> {
    Now(A),
    At(Instant),
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn receipts_are_taken_in_the_order_in_which_they_are_due() {
        let (mut delayed, start) = (DelayedReceipts::new(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for (receipt, due) in [("late", 3), ("first", 1), ("second", 1)] {
            assert!(delayed.insert(receipt, at(due)).1.is_none());
        }
        assert_eq!(delayed.take_due(start), Due::At(at(1)));
        assert_eq!(delayed.take_due(at(1)), Due::Now("first"));
        assert_eq!(delayed.take_due(at(2)), Due::Now("second"));
        assert_eq!(delayed.take_due(at(2)), Due::At(at(3)));
        assert_eq!(delayed.close(), ["late"]);
        assert_eq!(delayed.take_due(at(9)), Due::Nothing);
        assert_eq!(delayed.insert("too late", at(9)), (None, Some("too late")));
    }

    #[test]
    fn receipt_is_taken_back_once() {
        let mut delayed = DelayedReceipts::new();
        let (key, _) = delayed.insert(1, Instant::now());
        assert_eq!([delayed.take(key.unwrap()), delayed.take(key.unwrap())], [Some(1), None]);
    }

    #[test]
    fn too_many_receipts_are_told_early() {
        let (mut delayed, now) = (DelayedReceipts::new(), Instant::now());
        for number in 0..MAX_DELAYED_RECEIPTS {
            assert_eq!(delayed.insert(number, now + Duration::from_secs(1)).1, None);
        }
        assert_eq!(delayed.insert(MAX_DELAYED_RECEIPTS, now + Duration::from_secs(9)).1, Some(0));
        assert_eq!(delayed.close().len(), MAX_DELAYED_RECEIPTS);
    }
}
