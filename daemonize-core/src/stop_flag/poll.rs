//! Polls of the stop flag. A body that polls is given its grace to return, and its first poll can make the daemon ready.

use super::{body, flag, heartbeat};
use crate::auto_ready;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static WAS_POLLED: AtomicBool = AtomicBool::new(false);

/// Returns `true` if the daemon is to stop: one relaxed load. A body that polls is given time to return.
#[inline]
pub(crate) fn poll_stop() -> bool {
    !flag::is_polled_and_running() && poll_slow(true)
}

/// As [`poll_stop`], but not proof of the body's work: for the loops of this library, before a first success.
#[inline]
pub(crate) fn poll_stop_before_ready() -> bool {
    !flag::is_polled_and_running() && poll_slow(false)
}

#[cold]
fn poll_slow(is_proof_of_work: bool) -> bool {
    WAS_POLLED.store(true, SeqCst);
    if is_proof_of_work {
        report_first_poll();
    }
    // Under a watchdog, only the body's thread proves that the body does not hang. While the first poll is awaited, the fast
    // path stays closed, since each poll has to come here.
    if (body::is_body_thread() || heartbeat::watchdog_interval().is_none()) && !auto_ready::is_pending() {
        flag::set_heartbeat();
    }
    flag::is_stop_requested()
}

/// Has the first poll of the body call `announce`.
pub(crate) fn await_first_poll(announce: fn()) {
    auto_ready::arm(announce);
    // A hook or an attachment may have polled before the body: the fast path would hide the body's first poll.
    flag::take_heartbeat();
}

/// Reports the first poll, which makes the daemon ready, unless another thread or task than the body calls.
pub(crate) fn report_first_poll() {
    if body::is_called_from_body() {
        auto_ready::trigger();
    }
}

/// Returns `true` if any code has polled the flag.
pub(super) fn was_polled() -> bool {
    WAS_POLLED.load(SeqCst)
}

pub(super) fn reset() {
    WAS_POLLED.store(false, SeqCst);
}
