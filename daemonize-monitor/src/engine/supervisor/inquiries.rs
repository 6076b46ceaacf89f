//! The probes that the thread of the [`prober`](crate::prober) makes.

use crate::engine::auxiliary::Purpose;
use crate::engine::slab::Key;
use crate::prober::Prober;
use std::collections::HashMap;

/// The probes that were asked of the prober's thread, which is started for the first one.
#[derive(Default)]
pub(super) struct Inquiries {
    pub(super) prober: Option<Prober>,
    pub(super) last_number: u64,
    /// Bots by the numbers of their probes, with the purposes of these.
    pub(super) pending: HashMap<u64, (Key, Purpose)>,
}

impl Inquiries {
    /// Forgets the probe of a bot for a purpose: its answer will not be taken.
    pub(super) fn forget(&mut self, bot: Key, purpose: Purpose) {
        self.pending.retain(|_, pending| *pending != (bot, purpose));
    }
}
