//! The start timeout: how long the launcher waits for READY.

use std::time::{Duration, Instant};

/// The longest start of a daemon that asks for more time, unless its own timeout is longer.
const MAX_EXTENDED_START: Duration = Duration::from_secs(3600);

/// The deadline of a start, which the daemon can extend.
#[derive(Debug)]
pub(super) struct StartDeadline {
    began: Instant,
    timeout: Duration,
}

impl StartDeadline {
    pub(super) fn after(timeout: Duration) -> StartDeadline {
        StartDeadline { began: Instant::now(), timeout }
    }

    /// Extends the deadline to `time` from now. It never becomes earlier.
    pub(super) fn extend(&mut self, time: Duration) {
        let wanted = self.began.elapsed().saturating_add(time);
        // Rounded up to whole seconds, because the error message names the timeout.
        let whole = Duration::from_secs(wanted.as_secs().saturating_add(1));
        self.timeout = self.timeout.max(whole.min(MAX_EXTENDED_START));
    }

    /// Returns the time until the deadline; zero after it.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }

    /// Returns the duration of the whole start.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 1.34.
    #[test]
    fn deadline_is_put_off_and_never_brought_forward_up_to_an_hour() {
        let mut deadline = StartDeadline::after(Duration::from_secs(60));
        deadline.extend(Duration::from_secs(1));
        assert_eq!(deadline.timeout(), Duration::from_secs(60));
        deadline.extend(Duration::from_secs(90));
        assert!(deadline.timeout() >= Duration::from_secs(90) && deadline.left() > Duration::from_secs(80));
        deadline.extend(Duration::MAX);
        assert_eq!(deadline.timeout(), Duration::from_secs(3600));
        let mut own = StartDeadline::after(Duration::MAX);
        own.extend(Duration::from_secs(1));
        assert_eq!(own.timeout(), Duration::MAX);
    }
}
