//! The one deadline of a connect.

use daemonize_core::{Error, ErrorKind};
use std::time::{Duration, Instant};

/// The time by which a client must be connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectDeadline {
    at: Instant,
    timeout: Duration,
}

impl ConnectDeadline {
    /// Returns the deadline `timeout` from now.
    pub(super) fn after(timeout: Duration) -> ConnectDeadline {
        let now = Instant::now();
        // `check_settings` has bounded the timeout; a clock that cannot count so far would have none.
        ConnectDeadline { at: now.checked_add(timeout).unwrap_or(now), timeout }
    }

    /// Returns the deadline as a time.
    pub(super) fn at(self) -> Instant {
        self.at
    }

    /// Returns `true` after the deadline.
    pub(super) fn has_passed(self) -> bool {
        Instant::now() >= self.at
    }

    /// Returns the earlier one of the deadline and the time `limit` from now.
    pub(super) fn within(self, limit: Duration) -> Instant {
        Instant::now().checked_add(limit).map_or(self.at, |limited| limited.min(self.at))
    }

    /// Returns the error of a client of the daemon `name` that was not served in time.
    #[cold]
    pub(super) fn error(self, name: &str, reason: &str) -> Error {
        let text = format!("failed to connect to `{name}`: not served within {:?}: {reason}", self.timeout);
        Error::new(ErrorKind::NotReady, text)
    }
}
