//! The retry policy: the delay before a failed message is handled again, and the number of attempts.

use std::time::Duration;

/// The longest delay that is accepted, a hundred years: a longer one is a mistake.
const MAX_DELAY: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// The policy for messages whose handler failed, with exponential backoff: see
/// [`Daemon::retry`](crate::Daemon::retry).
///
/// The delay doubles with each attempt: with the defaults 1 s after the first failure, then 2 s, 4 s, … up to 1 min. The
/// receipt of the message receives the delay ([`Ack::retry`](crate::messages::Ack::retry)). The source counts the attempts of a message
/// ([`Delivery::attempt`](crate::messages::Delivery::attempt)); if it does not, each failure counts as the first.
/// Unless [`attempts`](Retry::attempts) is set, a message is never given up.
///
/// ```
/// use daemon::Daemon;
/// use daemon::messages::Retry;
/// use std::time::Duration;
///
/// let retry = Retry::new().delay(Duration::from_millis(200)).max_delay(Duration::from_secs(30)).attempts(5);
/// let daemon = Daemon::new("worker").retry(retry);
/// # drop(daemon);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    delay: Duration,
    max_delay: Duration,
    attempts: Option<u32>,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry::new()
    }
}

impl Retry {
    /// Returns the defaults: a delay of 1 s, doubled up to 1 min, and no last attempt.
    #[must_use]
    pub const fn new() -> Retry {
        Retry { delay: Duration::from_secs(1), max_delay: Duration::from_secs(60), attempts: None }
    }

    /// Sets the delay after the first failure, 1 s unless set. Zero is refused when the daemon starts: a message that
    /// always fails would come back at once.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Retry {
        self.delay = delay;
        self
    }

    /// Sets the longest delay, 1 min unless set; a first [`delay`](Retry::delay) that is longer counts instead.
    #[must_use]
    pub const fn max_delay(mut self, max_delay: Duration) -> Retry {
        self.max_delay = max_delay;
        self
    }

    /// Sets the largest number of attempts, unlimited unless set. When the last attempt fails, the receipt receives
    /// [`Nack::Exhausted`](crate::messages::Nack::Exhausted), and should move the message to a dead-letter queue. Zero is refused when the
    /// daemon starts.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Retry {
        self.attempts = Some(attempts);
        self
    }

    /// Returns how long to wait after this attempt has failed, counted from 1; `None` if it was the last one.
    pub(super) fn delay_after(&self, attempt: u32) -> Option<Duration> {
        if self.attempts.is_some_and(|attempts| attempt >= attempts) {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(31);
        Some(self.delay.saturating_mul(1 << doublings).min(self.max_delay.max(self.delay)))
    }

    /// Validates the policy.
    ///
    /// # Errors
    /// The text says which setting is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.delay.is_zero() {
            return Err("the `delay` of `retry` is zero: a message that always fails would come back at once".into());
        }
        if self.delay.max(self.max_delay) > MAX_DELAY {
            return Err("a delay of `retry` is longer than a hundred years".into());
        }
        if self.attempts == Some(0) {
            return Err("`attempts` of `retry` is zero: no message would be handled".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_with_each_attempt_up_to_the_longest() {
        let seconds = |retry: Retry| [0, 1, 2, 3, 6, 7, 40, u32::MAX].map(|n| retry.delay_after(n).unwrap().as_secs());
        assert_eq!(seconds(Retry::new()), [1, 1, 2, 4, 32, 60, 60, 60]);
        let longest = Duration::from_secs(1) * u32::MAX;
        assert_eq!(Retry::new().max_delay(longest).delay_after(40), Some(Duration::from_secs(1 << 31)));
        let long = Retry::new().delay(Duration::from_secs(90));
        assert_eq!([1, 5].map(|attempt| long.delay_after(attempt)), [Some(Duration::from_secs(90)); 2]);
    }

    #[test]
    fn last_attempt_has_no_delay() {
        let retry = Retry::new().attempts(3);
        assert_eq!([1, 2, 3, 4].map(|attempt| retry.delay_after(attempt).is_some()), [true, true, false, false]);
    }

    #[test]
    fn check_names_what_is_wrong() {
        let wrong = |retry: Retry| retry.check().unwrap_err();
        assert_eq!(Retry::new().check(), Ok(()));
        assert!(wrong(Retry::new().delay(Duration::ZERO)).contains("`delay` of `retry` is zero"));
        assert!(wrong(Retry::new().max_delay(Duration::MAX)).contains("a hundred years"));
        assert!(wrong(Retry::new().attempts(0)).contains("`attempts` of `retry` is zero"));
    }
}
