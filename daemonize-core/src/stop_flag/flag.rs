//! The byte that holds the stop flag. The body's heartbeat for a watchdog is in the same byte, so that a poll is one load.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed, Ordering::SeqCst};

/// The body has polled since the watchdog last cleared this bit.
const HEARTBEAT: u8 = 1;
/// The daemon is to stop.
const STOP_REQUESTED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(0);

/// Returns `true` if the daemon is to stop.
#[inline]
pub(crate) fn is_stop_requested() -> bool {
    STATE.load(Relaxed) & STOP_REQUESTED != 0
}

/// Returns `true` if no stop is requested and the heartbeat is recorded: a poll has nothing to do.
#[inline]
pub(super) fn is_polled_and_running() -> bool {
    STATE.load(Relaxed) == HEARTBEAT
}

/// Requests the stop. Waiting code is not woken.
pub(super) fn set_stop_requested() {
    STATE.fetch_or(STOP_REQUESTED, SeqCst);
}

pub(super) fn set_heartbeat() {
    STATE.fetch_or(HEARTBEAT, SeqCst);
}

/// Clears the heartbeat. Returns `true` if it was set.
pub(super) fn take_heartbeat() -> bool {
    STATE.fetch_and(!HEARTBEAT, SeqCst) & HEARTBEAT != 0
}

pub(super) fn reset() {
    STATE.store(0, SeqCst);
}
