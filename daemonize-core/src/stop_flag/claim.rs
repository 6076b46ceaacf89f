//! Decides between a stop and a restart that begin at once: the first one claims the stop.

use super::flag::is_stop_requested;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static IS_CLAIMED: AtomicBool = AtomicBool::new(false);

/// Claims the stop. Returns `false` if it was claimed before.
pub(crate) fn claim_stop() -> bool {
    !IS_CLAIMED.swap(true, SeqCst)
}

/// Withdraws the caller's claim. Nothing may have followed from it.
pub(crate) fn withdraw_claim() {
    IS_CLAIMED.store(false, SeqCst);
}

/// Returns `true` if a stop is claimed or requested.
pub(crate) fn is_stop_pending() -> bool {
    is_stop_requested() || IS_CLAIMED.load(SeqCst)
}

pub(super) fn reset() {
    IS_CLAIMED.store(false, SeqCst);
}
