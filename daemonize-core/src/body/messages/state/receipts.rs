//! The receipts in the pool's state: of messages in work, of those whose handlers failed, and those that are being told.

use super::{Place, State};
use crate::body::messages::delivery::{Ack, Nack, Tracked};
use crate::body::messages::waiting::{Due, Ticket};
use std::mem;
use std::time::Instant;

/// A receipt that is to be told.
pub(in crate::body::messages) struct Untold<T, A> {
    /// The message, where no handler has begun it: dropping it is user code, which must not run under the pool's lock.
    pub(in crate::body::messages) message: Option<T>,
    pub(in crate::body::messages) receipt: A,
    pub(in crate::body::messages) why: Nack,
}

impl<T, A: Ack> State<T, A> {
    /// The receipt of the message that this worker has handled, to be told now; `None` if another thread has taken it.
    pub(in crate::body::messages) fn receipt(&mut self, index: usize) -> Option<Tracked<A>> {
        let receipt = self.places[index].receipt.take()?;
        self.telling += 1;
        Some(receipt)
    }

    /// A receipt that was taken from here has been told.
    pub(in crate::body::messages) fn told(&mut self) {
        self.telling -= 1;
    }

    /// Keeps a receipt that was taken from here until it is due. Returns its ticket if it waits, and the receipt that is to
    /// be told now in its place, if there is one.
    pub(in crate::body::messages) fn wait(&mut self, receipt: A, due: Instant) -> (Option<Ticket>, Option<A>) {
        let (ticket, instead) = self.waiting.keep(receipt, due);
        self.telling -= usize::from(instead.is_none());
        (ticket, instead)
    }

    /// Takes back a receipt that waits, to be told now.
    pub(in crate::body::messages) fn take_waiting(&mut self, ticket: Ticket) -> Option<A> {
        let receipt = self.waiting.take(ticket)?;
        self.telling += 1;
        Some(receipt)
    }

    /// Takes a receipt that is due, to be told now. If no receipt waits any more, notes that no thread attends to them.
    pub(in crate::body::messages) fn take_due(&mut self, now: Instant) -> Due<A> {
        let due = self.waiting.take_due(now);
        match due {
            Due::Now(_) => self.telling += 1,
            Due::At(_) => {}
            Due::Nothing => self.attended = false,
        }
        due
    }

    /// Returns whether a thread is to be made that sees to the receipts that wait.
    pub(in crate::body::messages) fn attend(&mut self) -> bool {
        !mem::replace(&mut self.attended, true)
    }

    /// No thread could be made for that.
    pub(in crate::body::messages) fn not_attended(&mut self) {
        self.attended = false;
    }

    /// Takes the receipts that wait, to be told now, and lets none wait any more.
    pub(in crate::body::messages) fn close_waiting(&mut self) -> Vec<A> {
        let receipts = self.waiting.close();
        self.telling += receipts.len();
        receipts
    }

    /// Returns how many receipts are being told.
    pub(in crate::body::messages) fn telling(&self) -> usize {
        self.telling
    }

    /// A message came when all was over: its receipt is about to be told so.
    pub(in crate::body::messages) fn came_too_late(&mut self) {
        self.telling += 1;
        self.cut.1 += 1;
    }

    /// Takes all receipts, each to be told now.
    pub(in crate::body::messages) fn leftover(&mut self) -> Vec<Untold<T, A>> {
        self.over = true;
        // A worker whose receipt was taken has handled its message, and tells it now.
        let has_begun = |place: &&Place<A>| place.receipt.is_some();
        let begun = if A::NOTHING { self.busy } else { self.places.iter().filter(has_begun).count() };
        self.cut = (begun, self.queue.len());
        let untold = |message, receipt, why| Untold { message, receipt, why };
        let begun = self.places.iter_mut().filter_map(|place| place.receipt.take());
        let begun = begun.map(|Tracked { receipt, .. }| untold(None, receipt, Nack::Unfinished));
        let queued = self.queue.drain(..);
        let queued = queued.map(|(message, tracked)| untold(Some(message), tracked.receipt, Nack::Unfinished));
        let failed = self.waiting.close().into_iter().map(|receipt| untold(None, receipt, Nack::Failed));
        let left: Vec<_> = begun.chain(queued).chain(failed).collect();
        self.telling += left.len();
        left
    }

    /// Returns how many messages were not handled to their end when all was over: begun, and not begun.
    pub(in crate::body::messages) fn cut(&self) -> (usize, usize) {
        self.cut
    }
}
