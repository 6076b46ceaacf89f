//! Builder methods for readiness and for the time limits of start and stop.

use crate::daemon::Daemon;
use crate::launch::enable_on_wait;
use crate::settings::{OnWait, Ready, StartWait, set, set_optional};
use std::time::Duration;

impl<W> Daemon<W> {
    /// Sets when the daemon counts as started, so that `start` returns; [`Ready::Auto`] unless set.
    ///
    /// ```
    /// use daemon::Daemon;
    /// use daemon::settings::Ready;
    ///
    /// // The body loads for seconds before it calls `daemon::ready()`.
    /// let slow = Daemon::new("index").ready(Ready::Manual);
    /// # drop(slow);
    /// ```
    #[must_use]
    pub fn ready(mut self, ready: impl Into<Option<Ready>>) -> Self {
        set(&mut self.settings.ready, ready);
        self
    }

    /// Sets how long a start may take before it fails and is rolled back, 60 s unless set.
    #[must_use]
    pub fn start_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        set(&mut self.settings.start_timeout, time);
        self
    }

    /// Calls `callback` in the launcher while a start waits, with how long it has waited, and for what: first after one second, then
    /// every 100 ms. Each wait of one start is counted for itself: that for the lock, and that for the daemon.
    ///
    /// The callback runs in the calling thread, and the start goes on when it returns. It is not called for a daemon that does not
    /// detach. A panic in it is caught.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    ///
    /// let index = Daemon::new("index").on_wait(|wait| {
    ///     eprintln!("waiting for {} ({} of {} s)", wait.reason, wait.elapsed.as_secs(), wait.limit.as_secs());
    /// });
    /// index.run(|| {}).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn on_wait(mut self, callback: impl FnMut(&StartWait) + Send + 'static) -> Self {
        enable_on_wait();
        self.settings.on_wait = Some(OnWait::new(callback));
        self
    }

    /// Sets how long `stop` waits before it kills the daemon; unless set, [`grace`](Daemon::grace) and 5 s, or 3 s more than a
    /// longer [`nack_timeout`](Daemon::nack_timeout).
    ///
    /// A daemon that a monitor started may have a longer grace than the process that calls `stop` knows of. Set this if
    /// such a daemon is stopped by `stop` and not by its monitor.
    #[must_use]
    pub fn stop_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        set_optional(&mut self.settings.stop_timeout, time);
        self
    }

    /// Sets how long the handlers and the body may take to end after a stop signal; unless set, 10 s, or 8 s as process 1 of
    /// a container, which is killed 10 s after the signal by default.
    ///
    /// A monitor tells the daemons that it starts how long it waits before it kills them (`DAEMON_STOP_TIMEOUT`, in seconds).
    /// The default grace is then 80 % of that, minus the [`nack_timeout`](Daemon::nack_timeout) if that is set. A grace that is
    /// set stays; a warning on stderr reports a grace that does not fit into that time.
    #[must_use]
    pub fn grace(mut self, time: impl Into<Option<Duration>>) -> Self {
        set_optional(&mut self.settings.grace, time);
        self
    }

    /// Sets whether `stop` kills a daemon that does not end in time, true unless set.
    #[must_use]
    pub fn kill(mut self, yes: impl Into<Option<bool>>) -> Self {
        set(&mut self.settings.kill, yes);
        self
    }
}
