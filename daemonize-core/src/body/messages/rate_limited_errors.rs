//! Errors that may repeat ten times a second, for days: the first is reported at once, repetitions at a limited rate.

use crate::report;
use std::time::{Duration, Instant};

/// The interval between reports of the same error.
const SAME_ERROR_INTERVAL: Duration = Duration::from_secs(60);

/// The interval between reports of different errors: texts may differ only by a port or a time.
const OTHER_ERROR_INTERVAL: Duration = Duration::from_secs(1);

/// The error that was reported last, and the number of errors that were suppressed since.
#[derive(Default)]
pub(super) struct RateLimitedErrors {
    last: Option<(String, Instant)>,
    suppressed: u64,
}

impl RateLimitedErrors {
    /// Reports an error, unless one was reported recently.
    pub(super) fn report(&mut self, error: &str) {
        if let Some(text) = self.admit(error, Instant::now()) {
            report::error(&text);
        }
    }

    /// Returns the text to report for an error at the time `now`; `None` if it is suppressed.
    fn admit(&mut self, error: &str, now: Instant) -> Option<String> {
        if let Some((text, reported)) = &self.last {
            let interval = if text == error { SAME_ERROR_INTERVAL } else { OTHER_ERROR_INTERVAL };
            if now.saturating_duration_since(*reported) < interval {
                self.suppressed += 1;
                return None;
            }
        }
        self.last = Some((error.to_owned(), now));
        match std::mem::take(&mut self.suppressed) {
            0 => Some(error.to_owned()),
            suppressed => Some(format!("{error} ({suppressed} similar errors suppressed)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_error_is_reported_at_once_and_then_at_intervals() {
        let (mut errors, start) = (RateLimitedErrors::default(), Instant::now());
        let mut admit = |error: &str, millis| errors.admit(error, start + Duration::from_millis(millis));
        assert_eq!(admit("gone", 0).as_deref(), Some("gone"));
        assert_eq!(admit("gone", 100), None);
        assert_eq!(admit("lost", 200), None);
        assert_eq!(admit("lost", 1100).as_deref(), Some("lost (2 similar errors suppressed)"));
        assert_eq!(admit("lost", 60_000), None);
        assert_eq!(admit("lost", 61_100).as_deref(), Some("lost (1 similar errors suppressed)"));
        assert_eq!(admit("gone", 62_200).as_deref(), Some("gone"));
    }
}
