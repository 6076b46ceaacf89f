//! The time that a stop may take: the grace within the daemon, and the timeout of the process that stops it.

use super::Settings;
use crate::error::{Error, Result};
use std::time::Duration;

/// The grace, unless it is set or a monitor says how long it waits.
const GRACE: Duration = Duration::from_secs(10);

/// Time between the end of the grace and the end of `stop`'s patience, unless `stop_timeout` is set.
const BEYOND_GRACE: Duration = Duration::from_secs(5);

/// The shortest and the longest time that receipts have together, unless `nack_timeout` is set.
const NACK_TIMEOUT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

/// The part of the time beyond the grace which is left when receipts take all their time: attachments and the log may hang, too.
const BEYOND_NACKS: Duration = Duration::from_secs(3);

impl Settings {
    /// Returns how long handlers and body may take to end after a stop signal.
    pub(crate) fn grace(&self) -> Duration {
        self.grace.unwrap_or(GRACE)
    }

    /// Returns how long `stop` waits before it kills.
    pub(crate) fn stop_timeout(&self) -> Duration {
        let nacks = self.nack_timeout.map_or(Duration::ZERO, |time| time.saturating_add(BEYOND_NACKS));
        self.stop_timeout.unwrap_or_else(|| self.grace().saturating_add(BEYOND_GRACE.max(nacks)))
    }

    /// Returns how long all receipts have together after the grace. Unless set, a daemon whose grace is four fifths of the
    /// time that its supervisor gives it ends within that time.
    pub(crate) fn nack_timeout(&self) -> Duration {
        self.nack_timeout.unwrap_or_else(|| (self.grace() / 5).clamp(NACK_TIMEOUT.0, NACK_TIMEOUT.1))
    }

    /// Takes over how long a monitor waits before it kills: the grace ends when four fifths of that have passed, unless it
    /// is set, so that what follows the grace (telling a broker what was not done, ending attachments) has its time too. A
    /// `nack_timeout` that is set is left out of that time.
    ///
    /// Returns what to warn of, if the grace is set and the monitor does not wait for so long, or not for the receipts.
    pub(crate) fn fit_grace_into(&mut self, patience: Duration) -> Option<String> {
        let nacks = self.nack_timeout.unwrap_or_default();
        if self.grace.is_none() {
            let left = patience.checked_sub(nacks).filter(|left| !left.is_zero());
            let grace = left.unwrap_or(patience).mul_f64(0.8);
            self.grace = Some(self.stop_timeout.map_or(grace, |most| grace.min(most)));
        }
        let grace = self.grace();
        if grace.saturating_add(nacks) < patience {
            return None;
        }
        let (after, name) = match self.nack_timeout {
            Some(nacks) => (format!(" and its `nack_timeout` of {nacks:?}"), "`grace` and `nack_timeout`"),
            None => (String::new(), "`grace`"),
        };
        Some(format!(
            "the monitor ends this daemon {patience:?} after a stop signal, within its `grace` of {grace:?}{after}: \
             give it a longer `stop` there, or a shorter {name} here"
        ))
    }

    /// Refuses a `stop` that would kill a daemon within its grace.
    pub(super) fn check_grace(&self) -> Result<()> {
        let (patience, grace) = (self.stop_timeout(), self.grace());
        let nacks = self.nack_timeout.unwrap_or_default();
        if patience >= grace.saturating_add(nacks) {
            return Ok(());
        }
        if patience >= grace {
            return Err(Error::configuration(format_args!(
                "`stop_timeout` ({patience:?}) is shorter than `grace` ({grace:?}) and `nack_timeout` ({nacks:?}): stop would \
                 kill while receipts are told"
            )));
        }
        Err(Error::configuration(format_args!(
            "`stop_timeout` ({patience:?}) is shorter than `grace` ({grace:?}): stop would kill what may still end by itself"
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
        patience: Duration,
    ) -> (Settings, Option<String>) {
        let mut settings = Settings::new("a".into());
        (settings.grace, settings.stop_timeout) = (grace, stop_timeout);
        let warning = settings.fit_grace_into(patience);
        (settings, warning)
    }

    #[test]
    fn default_grace_is_four_fifths_of_what_the_monitor_waits() {
        for (patience, grace) in [(10 * SECOND, 8 * SECOND), (60 * SECOND, 48 * SECOND), (SECOND, SECOND / 5 * 4)] {
            let (settings, warning) = fitted(None, None, patience);
            assert_eq!((settings.grace(), warning), (grace, None));
            assert!(settings.stop_timeout() > grace && settings.check().is_ok());
        }
        let plain = Settings::new("a".into());
        assert_eq!((plain.grace(), plain.stop_timeout()), (10 * SECOND, 15 * SECOND));
    }

    #[test]
    fn grace_that_is_set_stays_and_warns_if_the_monitor_waits_less() {
        let (settings, warning) = fitted(Some(30 * SECOND), None, 10 * SECOND);
        assert_eq!(settings.grace(), 30 * SECOND);
        assert!(warning.unwrap().contains("10s after a stop signal, within its `grace` of 30s"));
        assert_eq!(fitted(Some(8 * SECOND), None, 10 * SECOND).1, None);
    }

    #[test]
    fn receipts_have_their_timeout_within_what_the_monitor_waits() {
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
}
