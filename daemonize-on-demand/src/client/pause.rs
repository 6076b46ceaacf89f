//! Pauses between attempts that no event separates.

use super::deadline::ConnectDeadline;
use std::thread;
use std::time::{Duration, Instant};

/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_micros(250);

/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// The pause between two starts of a daemon that does not serve.
const START_PAUSE: Duration = Duration::from_millis(250);

/// Pauses that double, so that a client neither spins nor is late.
#[derive(Debug)]
pub(super) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses(FIRST_PAUSE)
    }
}

impl Pauses {
    /// Sleeps for the next pause, at most until the deadline.
    pub(super) fn sleep(&mut self, deadline: ConnectDeadline) {
        let until = deadline.within(self.0);
        self.0 = (self.0 * 2).min(MAX_PAUSE);
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }

    /// Sleeps between two starts, at most until the deadline.
    pub(super) fn sleep_before_start(deadline: ConnectDeadline) {
        let until = deadline.within(START_PAUSE);
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

/// Returns the longest pause, for a wait whose events may fail to come.
pub(super) fn max_pause() -> Duration {
    MAX_PAUSE
}
