//! `Daemon::start`, `restart` and `foreground`: run the body in a daemon, or in this process.

use super::{Daemon, stop, verb_log};
use crate::body::Work;
use crate::error::Result;
use crate::launch::{DetachResult, Exit, Launch, Preflight, Started, run_body};
use crate::self_restart;
use crate::settings::Detach;
use std::convert::Infallible;
use std::process::ExitCode;

impl<W: Work> Daemon<W> {
    /// Starts the daemon and returns when it is ready.
    ///
    /// The calling process forks and goes on; the daemon runs the body and never returns here. In a process that a service
    /// manager or another supervisor runs already (see [`detach`](Daemon::detach)) there is no fork: the body runs in this process,
    /// which ends with it.
    ///
    /// # Errors
    /// A setting is wrong, the process has more than one thread, the daemon runs already, a stage failed, the daemon died (with
    /// the cause of death), or it was not ready in time. A failed start leaves neither a process nor a file.
    pub fn start(self) -> Result<Started> {
        self.launch(false, Exit::Immediate)
    }

    /// Stops the daemon if it runs, and starts it.
    ///
    /// Called inside the daemon, `restart` starts this program again with the same arguments, and stops this process.
    ///
    /// # Errors
    /// As [`start`](Daemon::start) and [`stop`](Daemon::stop). A mistake in the configuration is reported before the
    /// running daemon is stopped.
    pub fn restart(self) -> Result<Started> {
        if self.is_inside() {
            self_restart::restart()?;
            return Ok(Started::in_this_process(self.pidfile_path()));
        }
        let name = self.settings.name.clone();
        verb_log::starting(&name, " again");
        verb_log::start(&name, self.restart_from_outside())
    }

    fn restart_from_outside(self) -> Result<Started> {
        if self.settings.no_pidfile {
            return Err(self.settings.cannot_find_without_pidfile("restart"));
        }
        // Taken before the checks: as after any failed start, a mistake in the settings removes the caller's pidfile.
        let caller_pidfile = self.caller_pidfile.take();
        let preflight = Preflight::check(self.settings.copy())?;
        // While the caller holds the lock no daemon can run.
        if preflight.has_pidfile() && !preflight.is_restart() && caller_pidfile.is_none() {
            verb_log::stop(&self.settings.name, stop::stop_from_outside(&self.settings))?;
        }
        launch_and_run(Launch::acquire_pidfile(preflight, caller_pidfile)?, self.work, false, Exit::Immediate)
    }

    /// Runs the daemon in this process, without detaching, and ends the process with it.
    ///
    /// Nothing forks, so other threads and a tokio runtime may exist: unlike [`start`](Daemon::start), it may be called under
    /// `#[tokio::main]`. It blocks the calling thread until the process ends. An async body gets a runtime of its own here too,
    /// beside the running one; if the running one is single-threaded, the call fails. A process with more than one thread
    /// cannot change its user or root, and the programs that it starts inherit the variables that a service manager set for it
    /// (`NOTIFY_SOCKET` and others), since those cannot be removed safely.
    ///
    /// Process 1 of a container is the exception. With one thread it forks once: the daemon is the child, and process 1 remains
    /// as a minimal init, which reaps orphans, forwards signals, and exits with the daemon's status. The same applies to
    /// [`start`](Daemon::start) and [`activate`](Daemon::activate) there, unless they detach. Children that the program has
    /// started before are then not the daemon's. With several threads there is no init, and a line on stderr reports that.
    ///
    /// # Errors
    /// The body could not be started. On success the call does not return.
    pub fn foreground(mut self) -> Result<Infallible> {
        self.settings.detach = Detach::Never;
        verb_log::starting(&self.settings.name, " in the foreground");
        match Launch::prepare(self.settings, self.caller_pidfile.take())?.detach(false)? {
            DetachResult::Daemon(daemon) => run_body(daemon, self.work, Exit::RunHandlers),
            DetachResult::Launcher(started) => started.report(),
        }
    }

    fn launch(self, exits_after_start: bool, exit: Exit) -> Result<Started> {
        let name = self.settings.name.clone();
        verb_log::starting(&name, "");
        let launch = Launch::prepare(self.settings, self.caller_pidfile.take());
        verb_log::start(&name, launch.and_then(|launch| launch_and_run(launch, self.work, exits_after_start, exit)))
    }

    /// Runs an annotated `main`: the launcher exits with the result of the start, and the daemon is the program's continuation.
    pub(crate) fn main(self) -> ExitCode {
        match self.launch(true, Exit::RunHandlers) {
            Ok(started) => started.report(),
            Err(error) => error.report(),
        }
    }
}

/// Detaches; returns in the launcher, and runs the body in the daemon.
pub(super) fn launch_and_run<W: Work>(launch: Launch, work: W, exits_after_start: bool, exit: Exit) -> Result<Started> {
    // Without a fork the process is the program's own, so its `atexit(3)` handlers run.
    let exit = if launch.is_detached() { exit } else { Exit::RunHandlers };
    match launch.detach(exits_after_start)? {
        DetachResult::Launcher(started) => Ok(started),
        DetachResult::Daemon(daemon) => match run_body(daemon, work, exit)? {},
    }
}
