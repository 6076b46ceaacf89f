//! `Daemon::restart_replacing`: starts a daemon in place of another one that has other settings.

use super::start::launch_and_run;
use super::{Daemon, stop, verb_log};
use crate::body::Work;
use crate::error::Result;
use crate::launch::{Exit, Launch, Preflight, Started};

impl<W: Work> Daemon<W> {
    /// Stops the daemon `running`, and starts this one: a [`restart`](Daemon::restart) with another pidfile or other limits of the stop.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    ///
    /// let running = Daemon::new("web").pidfile("/run/web-8080.pid");
    /// Daemon::new("web").pidfile("/run/web-9090.pid").run(|| ()).restart_replacing(&running)?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`start`](Daemon::start) and [`stop`](Daemon::stop). A mistake in the settings is reported before `running` is stopped.
    pub fn restart_replacing<V>(self, running: &Daemon<V>) -> Result<Started> {
        let name = self.settings.name.clone();
        verb_log::starting(&name, " in place of another daemon");
        verb_log::start(&name, self.replace_from_outside(running))
    }

    fn replace_from_outside<V>(self, running: &Daemon<V>) -> Result<Started> {
        // Taken before the checks, as by a restart: after a failure the caller's pidfile is removed.
        let caller_pidfile = self.caller_pidfile.take();
        let preflight = Preflight::check(self.settings.copy())?;
        // A daemon that restarts itself has started this process, and stops by itself.
        if !preflight.is_restart() {
            verb_log::stop(&running.settings.name, stop::stop_from_outside(&running.settings))?;
        }
        launch_and_run(Launch::acquire_pidfile(preflight, caller_pidfile)?, self.work, false, Exit::Immediate)
    }
}
