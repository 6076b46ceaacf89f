//! The times of a stop: the grace within the daemon, and the timeout of the process that stops it.

use super::Settings;
use crate::error::{Error, Result};
use std::time::Duration;

/// The grace, unless it is set or a monitor says how long it waits.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// How much longer than the grace `stop` waits, unless `stop_timeout` is set.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// The limits of the time that all receipts have together, unless `nack_timeout` is set.
const MIN_NACK_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_NACK_TIMEOUT: Duration = Duration::from_secs(2);

/// The time left after the grace and the receipts: attachments and the log may hang, too.
const END_MARGIN: Duration = Duration::from_secs(3);

impl Settings {
    /// Returns how long handlers and body may take to end after a stop signal.
    pub(crate) fn grace(&self) -> Duration {
        self.grace.unwrap_or(DEFAULT_GRACE)
    }

    /// Returns how long `stop` waits before it sends SIGKILL.
    pub(crate) fn stop_timeout(&self) -> Duration {
        let nacks = self.nack_timeout.map_or(Duration::ZERO, |time| time.saturating_add(END_MARGIN));
        self.stop_timeout.unwrap_or_else(|| self.grace().saturating_add(STOP_MARGIN.max(nacks)))
    }

    /// Returns how long all receipts have together after the grace. The default is a fifth of the grace: a daemon whose grace is
    /// four fifths of its supervisor's timeout ends within that timeout.
    pub(crate) fn nack_timeout(&self) -> Duration {
        self.nack_timeout.unwrap_or_else(|| (self.grace() / 5).clamp(MIN_NACK_TIMEOUT, MAX_NACK_TIMEOUT))
    }

    /// Fits the grace into the timeout of a monitor, which kills the daemon after it: the default grace is four fifths of the
    /// timeout, so that receipts and attachments have their time after the grace. If `nack_timeout` is set, it is subtracted from
    /// the timeout first.
    ///
    /// Returns a warning if the grace is set, and the monitor does not wait for the grace and the receipts.
    pub(crate) fn fit_grace_into(&mut self, timeout: Duration) -> Option<String> {
        let nacks = self.nack_timeout.unwrap_or_default();
        if self.grace.is_none() {
            let left = timeout.checked_sub(nacks).filter(|left| !left.is_zero());
            let grace = left.unwrap_or(timeout).mul_f64(0.8);
            self.grace = Some(self.stop_timeout.map_or(grace, |most| grace.min(most)));
        }
        let grace = self.grace();
        if grace.saturating_add(nacks) < timeout {
            return None;
        }
        let (after, name) = match self.nack_timeout {
            Some(nacks) => (format!(" and its `nack_timeout` of {nacks:?}"), "`grace` and `nack_timeout`"),
            None => (String::new(), "`grace`"),
        };
        Some(format!(
            "the monitor ends this daemon {timeout:?} after a stop signal, within its `grace` of {grace:?}{after}: \
             give it a longer `stop` there, or a shorter {name} here"
        ))
    }

    /// Refuses a `stop_timeout` that ends within the grace.
    pub(super) fn check_grace(&self) -> Result<()> {
        let (timeout, grace) = (self.stop_timeout(), self.grace());
        let nacks = self.nack_timeout.unwrap_or_default();
        if timeout >= grace.saturating_add(nacks) {
            return Ok(());
        }
        if timeout >= grace {
            return Err(Error::configuration(format_args!(
                "`stop_timeout` ({timeout:?}) is shorter than `grace` ({grace:?}) and `nack_timeout` ({nacks:?}): stop would \
                 kill the daemon while receipts are sent"
            )));
        }
        Err(Error::configuration(format_args!(
            "`stop_timeout` ({timeout:?}) is shorter than `grace` ({grace:?}): stop would kill a daemon that may still end by itself"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn fitted(
        grace: Option<Duration>,
        stop_timeout: Option<Duration>,
        timeout: Duration,
    ) -> (Settings, Option<String>) {
        let mut settings = Settings::new("a".into());
        (settings.grace, settings.stop_timeout) = (grace, stop_timeout);
        let warning = settings.fit_grace_into(timeout);
        (settings, warning)
    }

    #[test]
    fn default_grace_is_four_fifths_of_the_monitor_timeout() {
        for (timeout, grace) in [(10 * SECOND, 8 * SECOND), (60 * SECOND, 48 * SECOND), (SECOND, SECOND / 5 * 4)] {
            let (settings, warning) = fitted(None, None, timeout);
            assert_eq!((settings.grace(), warning), (grace, None));
            assert!(settings.stop_timeout() > grace && settings.check().is_ok());
        }
        let plain = Settings::new("a".into());
        assert_eq!((plain.grace(), plain.stop_timeout()), (10 * SECOND, 15 * SECOND));
    }

    #[test]
    fn grace_beyond_the_monitor_timeout_stays_and_warns() {
        let (settings, warning) = fitted(Some(30 * SECOND), None, 10 * SECOND);
        assert_eq!(settings.grace(), 30 * SECOND);
        assert!(warning.unwrap().contains("10s after a stop signal, within its `grace` of 30s"));
        assert_eq!(fitted(Some(8 * SECOND), None, 10 * SECOND).1, None);
    }

    #[test]
    fn nack_timeout_is_left_free_within_the_monitor_timeout() {
        let fitted = |grace: Option<u32>, nacks: u32| {
            let mut settings = Settings::new("a".into());
            settings.grace = grace.map(|grace| grace * SECOND);
            settings.nack_timeout = Some(nacks * SECOND);
            let warning = settings.fit_grace_into(10 * SECOND);
            (settings.grace(), warning.unwrap_or_default())
        };
        assert_eq!(fitted(None, 5), (4 * SECOND, String::new()));
        assert_eq!(fitted(Some(4), 5), (4 * SECOND, String::new()));
        for (grace, nacks) in [(None, 10), (Some(8), 5)] {
            let (grace, warning) = fitted(grace, nacks);
            assert!(grace == 8 * SECOND && warning.contains("`grace` of 8s and its `nack_timeout` of"), "{warning}");
        }
    }

    #[test]
    fn default_grace_fits_into_the_stop_timeout_that_is_set() {
        let (settings, _) = fitted(None, Some(20 * SECOND), 60 * SECOND);
        assert_eq!((settings.grace(), settings.check().is_ok()), (20 * SECOND, true));
    }

    fn with_times(grace: u64, nack_timeout: Option<u64>) -> Settings {
        let mut settings = Settings::new("test".into());
        settings.grace = Some(Duration::from_millis(grace));
        settings.nack_timeout = nack_timeout.map(Duration::from_millis);
        settings
    }

    #[test]
    fn nack_timeout_is_a_fifth_of_the_grace_within_bounds_unless_set() {
        let timeout = |grace| with_times(grace, None).nack_timeout().as_millis();
        assert_eq!([300, 5_000, 8_000, 10_000, 600_000].map(timeout), [1_000, 1_000, 1_600, 2_000, 2_000]);
        assert_eq!(with_times(300, Some(7)).nack_timeout(), Duration::from_millis(7));
    }

    #[test]
    fn stop_timeout_leaves_time_for_the_grace_and_the_receipts() {
        let timeout = |nack_timeout| with_times(10_000, nack_timeout).stop_timeout().as_secs();
        assert_eq!([None, Some(1_000), Some(2_000), Some(30_000)].map(timeout), [15, 15, 15, 43]);
    }
}
