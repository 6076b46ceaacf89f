//! The receipts of messages that are handled by tasks.

/// What is to be told of the messages in flight.
pub(super) struct Receipts<A> {
    pub(super) places: Vec<Option<A>>,
    /// The places where there is none.
    free: Vec<u32>,
    /// Those that are being told at this moment: taken from here, and not yet used up.
    pub(super) telling: usize,
    /// How many messages were not handled to their end when all was over.
    pub(super) cut: usize,
    /// The receipts of what was in flight are taken by the thread that ends the daemon.
    pub(super) over: bool,
}

impl<A> Receipts<A> {
    pub(super) const fn new() -> Receipts<A> {
        Receipts { places: Vec::new(), free: Vec::new(), telling: 0, cut: 0, over: false }
    }

    /// Keeps one and returns where. When all is over, gives it back to be told so now.
    pub(super) fn keep(&mut self, receipt: A) -> Result<u32, A> {
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
    pub(super) fn take(&mut self, place: u32) -> Option<A> {
        let receipt = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        self.telling += 1;
        Some(receipt)
    }

    /// Takes the receipts of all messages that are not handled yet, to be told so now.
    pub(super) fn leftover(&mut self) -> Vec<A> {
        self.over = true;
        let left: Vec<A> = self.places.iter_mut().filter_map(Option::take).collect();
        self.telling += left.len();
        self.cut += left.len();
        left
    }
}
