//! The receipts of messages that are handled by tasks.

use crate::body::messages::delivery::{Nack, Tracked};
use crate::body::messages::waiting::{Ticket, Waiting};
use std::time::Instant;

/// The receipts of the messages in flight.
pub(super) struct Receipts<A> {
    pub(super) places: Vec<Option<Tracked<A>>>,
    /// The places where there is none.
    free: Vec<u32>,
    /// The number of receipts that are being told at this moment: taken from here, and not yet used up.
    pub(super) telling: usize,
    /// The receipts of messages whose handlers failed.
    pub(super) waiting: Waiting<A>,
    /// How many messages were not handled to their end when all was over.
    pub(super) cut: usize,
    /// The receipts of what was in flight are taken by the thread that ends the daemon.
    pub(super) over: bool,
}

impl<A> Receipts<A> {
    pub(super) fn new() -> Receipts<A> {
        Receipts { places: Vec::new(), free: Vec::new(), telling: 0, waiting: Waiting::new(), cut: 0, over: false }
    }

    /// Keeps one and returns where. When all is over, gives it back to be told so now.
    pub(super) fn keep(&mut self, receipt: Tracked<A>) -> Result<u32, Tracked<A>> {
        if self.over {
            self.telling += 1;
            self.cut += 1;
            return Err(receipt);
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            // No more than the pool is large.
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        self.places[place as usize] = Some(receipt);
        Ok(place)
    }

    /// Takes the receipt of a message that was handled, to be told now; `None` if the thread that ends the daemon has it.
    pub(super) fn take(&mut self, place: u32) -> Option<Tracked<A>> {
        let receipt = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        self.telling += 1;
        Some(receipt)
    }

    /// Keeps the receipt of a message whose handler failed until it is due. Returns its ticket if it waits, and the receipt
    /// that is to be told now in its place, if there is one.
    pub(super) fn wait(&mut self, receipt: A, due: Instant) -> (Option<Ticket>, Option<A>) {
        let (ticket, instead) = self.waiting.keep(receipt, due);
        self.telling -= usize::from(instead.is_none());
        (ticket, instead)
    }

    /// Takes a receipt that is due, to be told now, unless that has been done.
    pub(super) fn take_waiting(&mut self, ticket: Ticket) -> Option<A> {
        let receipt = self.waiting.take(ticket)?;
        self.telling += 1;
        Some(receipt)
    }

    /// Takes the receipts that wait, to be told now, and lets none wait any more.
    pub(super) fn close_waiting(&mut self) -> Vec<A> {
        let receipts = self.waiting.close();
        self.telling += receipts.len();
        receipts
    }

    /// Takes all receipts, each to be told now.
    pub(super) fn leftover(&mut self) -> Vec<(A, Nack)> {
        self.over = true;
        let cut = self.places.iter_mut().filter_map(Option::take).map(|tracked| (tracked.receipt, Nack::Unfinished));
        let mut left: Vec<_> = cut.collect();
        self.cut += left.len();
        self.telling += left.len();
        left.extend(self.close_waiting().into_iter().map(|receipt| (receipt, Nack::Failed)));
        left
    }
}
