//! Warnings that another process can cause at will: at most one a minute of each kind.

use log::warn;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// The shortest time between two warnings.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Warnings of one kind.
#[derive(Debug, Default)]
pub(super) struct RateLimitedWarning {
    last: Option<Instant>,
    unreported: u64,
}

impl RateLimitedWarning {
    /// Logs the warning, or counts it.
    pub(super) fn warn(&mut self, text: impl Display) {
        let now = Instant::now();
        if self.last.is_some_and(|last| now.duration_since(last) < WARNING_INTERVAL) {
            self.unreported += 1;
            return;
        }
        self.last = Some(now);
        match std::mem::take(&mut self.unreported) {
            0 => warn!("{text}"),
            count => warn!("{text} ({count} more since the last warning)"),
        }
    }
}
