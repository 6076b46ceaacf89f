//! The daemon that a client wants, for the part of a connect that starts it or waits for it.

use super::deadline::ConnectDeadline;
use super::shared_start::StartKey;
use crate::directory::Directory;
use crate::mismatch::BuildCheck;
use crate::settings::OnDemand;
use daemonize_core::{Daemon, Result};
use std::time::{Duration, Instant};

/// The time from SIGTERM to the end of the grace of a daemon that sets none, and a margin: as `stop_timeout` of the core.
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// The margin after a grace that is set.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// A daemon, its settings for clients, and the deadline of one of them.
#[derive(Debug)]
pub(super) struct ConnectTarget {
    /// The daemon's name and pidfile.
    pub(super) daemon: Daemon,
    pub(super) on_demand: OnDemand,
    pub(super) deadline: ConnectDeadline,
    stop_timeout: Duration,
}

impl ConnectTarget {
    pub(super) fn new<W>(daemon: &Daemon<W>, on_demand: &OnDemand, deadline: ConnectDeadline) -> ConnectTarget {
        let settings = daemon.settings();
        let of_grace = || settings.grace().map_or(DEFAULT_STOP_TIMEOUT, |grace| grace.saturating_add(STOP_MARGIN));
        let stop_timeout = settings.stop_timeout().unwrap_or_else(of_grace);
        let user = settings.user().map(str::to_owned);
        ConnectTarget { daemon: daemon.without_work().user(user), on_demand: on_demand.clone(), deadline, stop_timeout }
    }

    /// Returns the daemon's name.
    pub(super) fn name(&self) -> &str {
        self.daemon.settings().name()
    }

    /// Returns the key under which clients of this process share a start.
    pub(super) fn key(&self) -> StartKey {
        StartKey::new(&self.daemon, &self.on_demand)
    }

    /// Begins the check of the daemon's build.
    pub(super) fn build_check<'a>(&'a self, directory: &'a Directory) -> BuildCheck<'a> {
        BuildCheck::new(&self.daemon, &self.on_demand, directory, (self.deadline.at(), self.stop_timeout))
    }

    /// Stops the daemon, and leaves half of the time until the deadline for the next start. One that is stopping already is not hurried.
    pub(super) fn stop(&self) -> Result<()> {
        let left = self.deadline.at().saturating_duration_since(Instant::now());
        let timeout = self.stop_timeout.min(left / 2).max(Duration::from_millis(1));
        // The grace would refuse a shorter time. It is the daemon's own that bounds its end.
        self.daemon.clone().grace(timeout).stop_timeout(timeout).stop().map(drop)
    }
}
