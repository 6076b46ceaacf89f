//! Calls `on_wait` while a start waits: first after a second, then every 100 ms.

use super::signal_block::SignalBlock;
use crate::settings::{OnWait, WaitReason};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The time after which the callback is first called: a shorter wait needs no explanation.
const FIRST_CALL: Duration = Duration::from_secs(1);

/// The time between two calls.
const CALL_INTERVAL: Duration = Duration::from_millis(100);

/// [`CalledWait::begin`], once `on_wait` is set: a program without the setting is linked without the code.
static BEGIN: OnceLock<Begin> = OnceLock::new();

type Begin = fn(&OnWait) -> Box<dyn WaitProgress>;

/// Makes [`begin`] use the setting.
pub(crate) fn enable_on_wait() {
    let _ = BEGIN.set(CalledWait::begin);
}

/// Begins a wait; `None` without a callback.
pub(super) fn begin(on_wait: Option<&OnWait>) -> Option<Box<dyn WaitProgress>> {
    match (on_wait, BEGIN.get()) {
        (Some(on_wait), Some(begin)) => Some(begin(on_wait)),
        _ => None,
    }
}

/// A wait that a callback learns of.
pub(super) trait WaitProgress {
    /// Returns the time until the next call.
    fn left(&self) -> Duration;

    /// Calls the callback if that is due. It runs with the caller's signal mask, so that Ctrl-C ends a callback that hangs.
    fn call_if_due(&mut self, block: &SignalBlock, limit: Duration, reason: WaitReason);
}

struct CalledWait {
    on_wait: OnWait,
    began: Instant,
    due: Instant,
}

impl CalledWait {
    fn begin(on_wait: &OnWait) -> Box<dyn WaitProgress> {
        let began = Instant::now();
        Box::new(CalledWait { on_wait: on_wait.clone(), began, due: began + FIRST_CALL })
    }
}

impl WaitProgress for CalledWait {
    fn left(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    fn call_if_due(&mut self, block: &SignalBlock, limit: Duration, reason: WaitReason) {
        let now = Instant::now();
        if now >= self.due {
            let elapsed = now.duration_since(self.began);
            block.with_original_mask(|| self.on_wait.call(elapsed, limit, reason));
            self.due = Instant::now() + CALL_INTERVAL;
        }
    }
}
