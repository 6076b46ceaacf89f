//! The heartbeat of the body, for a watchdog: each poll of the stop flag is one. A body that sleeps here does not hang either.

use super::{body, flag};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

static WATCHDOG_INTERVAL: OnceLock<Duration> = OnceLock::new();
static IS_BODY_ASLEEP: AtomicBool = AtomicBool::new(false);

/// Records that a watchdog calls [`heartbeat_seen`], and ends the daemon if no heartbeat came within `interval`.
pub(crate) fn start_watchdog(interval: Duration) {
    let _ = WATCHDOG_INTERVAL.set(interval);
    flag::take_heartbeat();
}

/// Returns the interval of the watchdog; `None` without one.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    WATCHDOG_INTERVAL.get().copied()
}

/// Records a heartbeat without a poll.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
pub(crate) fn record_heartbeat() {
    flag::set_heartbeat();
}

/// Returns `true` if a heartbeat came since the last call, or the body sleeps.
pub(crate) fn heartbeat_seen() -> bool {
    flag::take_heartbeat() || IS_BODY_ASLEEP.load(SeqCst)
}

/// While it exists, the body is known to sleep.
pub(crate) struct SleepGuard(bool);

impl SleepGuard {
    /// Records that the body sleeps, if the body's thread calls and a watchdog runs.
    pub(crate) fn new() -> SleepGuard {
        let is_watched = body::is_body_thread() && watchdog_interval().is_some();
        if is_watched {
            IS_BODY_ASLEEP.store(true, SeqCst);
        }
        SleepGuard(is_watched)
    }
}

impl Drop for SleepGuard {
    fn drop(&mut self) {
        if self.0 {
            IS_BODY_ASLEEP.store(false, SeqCst);
        }
    }
}

pub(super) fn reset() {
    IS_BODY_ASLEEP.store(false, SeqCst);
}
