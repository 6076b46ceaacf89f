//! Calls `on_wait` while a start waits: first after a second, then every 100 ms.

use super::signal_block::SignalBlock;
use crate::settings::{OnWait, WaitReason};
use std::time::{Duration, Instant};

/// The time after which the callback is first called: a shorter wait needs no explanation.
const FIRST_CALL: Duration = Duration::from_secs(1);

/// The time between two calls.
const CALL_INTERVAL: Duration = Duration::from_millis(100);

/// The callback of a start that waits, and when it is due.
pub(super) struct WaitProgress {
    on_wait: OnWait,
    began: Instant,
    due: Instant,
}

impl WaitProgress {
    /// Begins a wait; `None` without a callback.
    pub(super) fn begin(on_wait: Option<&OnWait>) -> Option<WaitProgress> {
        let on_wait = on_wait?.clone();
        let began = Instant::now();
        Some(WaitProgress { on_wait, began, due: began + FIRST_CALL })
    }

    /// Returns the time until the next call.
    pub(super) fn left(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Calls the callback if that is due. It runs with the caller's signal mask, so that Ctrl-C ends a callback that hangs.
    pub(super) fn call_if_due(&mut self, block: &SignalBlock, limit: Duration, reason: impl FnOnce() -> WaitReason) {
        let now = Instant::now();
        if now >= self.due {
            let elapsed = now.duration_since(self.began);
            block.with_original_mask(|| self.on_wait.call(elapsed, limit, reason()));
            self.due = Instant::now() + CALL_INTERVAL;
        }
    }
}
