//! `Daemon::activate` and `Daemon::run_to`: become the daemon in this process, all at once or stage by stage.

use super::{Daemon, verb_log};
use crate::error::Result;
use crate::launch::{DetachResult, Launch, StartingDaemon, activate, end_without_launcher};
use crate::stage::Stage;
use std::fmt;

impl<W> Daemon<W> {
    /// Becomes the daemon in this process and returns: the rest of the program is the body. The launcher prints the output of the
    /// start and exits with status 0.
    ///
    /// The pidfile is removed when the program ends by returning from `main` or by `exit`.
    ///
    /// # Errors
    /// As [`start`](Daemon::start), in the calling process, which goes on unchanged.
    pub fn activate(self) -> Result<()> {
        activate(self.begin()?)
    }

    /// Runs the stages up to and including `stage`, and returns in the daemon: the stage `Detach` is always among them. The
    /// launcher waits until the remaining stages are done.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use daemon::settings::Stage;
    ///
    /// let half = Daemon::new("web").user("www-data").run_to(Stage::CoreDumps)?;
    /// let socket = std::net::TcpListener::bind("0.0.0.0:80").expect("still root");
    /// half.activate()?;
    /// # drop(socket);
    /// # Ok::<(), daemon::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`start`](Daemon::start), in the calling process, which goes on unchanged.
    pub fn run_to(self, stage: Stage) -> Result<StagedLaunch> {
        StagedLaunch(self.begin()?).run_to(stage)
    }

    /// Runs the stage `Detach`, and returns in the daemon.
    fn begin(self) -> Result<Box<StartingDaemon>> {
        let name = self.settings.name.clone();
        verb_log::starting(&name, "");
        match Launch::prepare(self.settings, self.caller_pidfile.take())?.detach(true)? {
            DetachResult::Launcher(started) => verb_log::start(&name, Ok(started))?.report(),
            DetachResult::Daemon(daemon) => Ok(daemon),
        }
    }
}

/// A daemon whose start is performed stage by stage: some stages are done, the others follow.
///
/// Dropping it fails the start and ends this process.
#[must_use = "the launcher waits for `activate`"]
pub struct StagedLaunch(Box<StartingDaemon>);

impl StagedLaunch {
    /// Runs the stages up to and including `stage`, except for those that are done.
    ///
    /// # Errors
    /// Only in a process that did not fork. Otherwise the launcher reports the error, and this process ends.
    pub fn run_to(mut self, stage: Stage) -> Result<StagedLaunch> {
        if let Err(error) = self.0.run_to(stage) {
            // Unlocks the pidfile.
            drop(self);
            end_without_launcher(Some(&error));
            return Err(error);
        }
        self.0.expect_user_code();
        Ok(self)
    }

    /// Runs the remaining stages, and returns in the daemon: the rest of the program is the body.
    ///
    /// # Errors
    /// As [`run_to`](StagedLaunch::run_to).
    pub fn activate(self) -> Result<()> {
        activate(self.0)
    }
}

impl fmt::Debug for StagedLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedLaunch").finish_non_exhaustive()
    }
}
