//! Errors that may come ten times a second, for days: told at once, but not each time.

use crate::report;
use std::time::{Duration, Instant};

/// The same error is told this often.
const AGAIN: Duration = Duration::from_secs(60);

/// Another error is told this often: texts differ by a port or a time of day.
const ANOTHER: Duration = Duration::from_secs(1);

/// What was told last, and how much has not been since.
#[derive(Default)]
pub(super) struct RateLimitedErrors {
    last: Option<(String, Instant)>,
    untold: u64,
}

impl RateLimitedErrors {
    /// Tells of an error, unless it was told not long ago.
    pub(super) fn report(&mut self, error: &str) {
        if let Some(complaint) = self.hear(error, Instant::now()) {
            report::error(&complaint);
        }
    }

    /// What to tell about an error that came now; nothing when it was told not long ago.
    fn hear(&mut self, error: &str, now: Instant) -> Option<String> {
        let told = self.last.as_ref().is_some_and(|(text, told)| {
            let rest = if text == error { AGAIN } else { ANOTHER };
            now.saturating_duration_since(*told) < rest
        });
        if told {
            self.untold += 1;
            return None;
        }
        self.last = Some((error.to_owned(), now));
        match std::mem::take(&mut self.untold) {
            0 => Some(error.to_owned()),
            untold => Some(format!("{error} (and {untold} untold before)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_at_once_and_then_now_and_then() {
        let (mut errors, start) = (RateLimitedErrors::default(), Instant::now());
        let mut hear = |error: &str, millis| errors.hear(error, start + Duration::from_millis(millis));
        assert_eq!(hear("gone", 0).as_deref(), Some("gone"));
        assert_eq!(hear("gone", 100), None);
        assert_eq!(hear("lost", 200), None);
        assert_eq!(hear("lost", 1100).as_deref(), Some("lost (and 2 untold before)"));
        assert_eq!(hear("lost", 60_000), None);
        assert_eq!(hear("lost", 61_100).as_deref(), Some("lost (and 1 untold before)"));
        assert_eq!(hear("gone", 62_200).as_deref(), Some("gone"));
    }
}
