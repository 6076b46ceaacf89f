//! How long a start may take.

use std::time::{Duration, Instant};

/// The longest start of a daemon that asks for more time, if its own timeout is not longer.
const LONGEST_EXTENDED_START: Duration = Duration::from_secs(3600);

/// The end of a start, which the daemon may put off.
#[derive(Debug)]
pub(super) struct Deadline {
    began: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Deadline {
        Deadline { began: Instant::now(), timeout }
    }

    /// Puts it off to `time` from now, if that is later.
    pub(super) fn extend(&mut self, time: Duration) {
        let wanted = self.began.elapsed().saturating_add(time);
        // An error names it.
        let whole = Duration::from_secs(wanted.as_secs().saturating_add(1));
        self.timeout = self.timeout.max(whole.min(LONGEST_EXTENDED_START));
    }

    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }

    /// Returns how long the whole start may take.
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
        let mut deadline = Deadline::after(Duration::from_secs(60));
        deadline.extend(Duration::from_secs(1));
        assert_eq!(deadline.timeout(), Duration::from_secs(60));
        deadline.extend(Duration::from_secs(90));
        assert!(deadline.timeout() >= Duration::from_secs(90) && deadline.left() > Duration::from_secs(80));
        deadline.extend(Duration::MAX);
        assert_eq!(deadline.timeout(), Duration::from_secs(3600));
        let mut own = Deadline::after(Duration::MAX);
        own.extend(Duration::from_secs(1));
        assert_eq!(own.timeout(), Duration::MAX);
    }
}
