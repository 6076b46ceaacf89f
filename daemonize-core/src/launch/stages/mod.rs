//! The stages of a launch in their order, each with its hooks: one file per stage.
//!
//! `Detach` is not among them: it is the double fork. The order is fixed. Core dumps are disabled while memory may still hold
//! secrets of root. The user changes before the working directory, which is entered with the permissions of the new user. The
//! daemon waits for the pidfile only after everything that may fail before. Standard streams are redirected last, so that the output
//! of hooks still reaches the launcher.

mod capabilities;
mod core_dumps;
mod descriptors;
mod pidfile;
pub(super) mod privileges;
mod signals;
mod stdio;
mod umask;
mod working_directory;

use super::daemon::StartingDaemon;
use super::prepare_attachments::prepare_attachments;
use crate::error::Result;
use crate::settings::When;
use crate::stage::Stage;
use privileges::Privileges;

impl StartingDaemon {
    /// Runs the stages up to and including `last`, except for those that are done.
    ///
    /// With a launcher, an error ends the process. Otherwise it is returned, and the signal mask is restored.
    pub(crate) fn run_to(&mut self, last: Stage) -> Result<()> {
        while let Some(stage) = Stage::ALL.get(self.done).filter(|stage| **stage <= last) {
            self.done += 1;
            let mut outcome = Ok(());
            if *stage == Stage::Identity {
                outcome = self.finish_as_launcher_user();
            }
            let outcome = outcome.and_then(|()| self.run_stage(*stage));
            self.fail_on_error(outcome)?;
        }
        Ok(())
    }

    fn run_stage(&mut self, stage: Stage) -> Result<()> {
        self.launch.run_hooks(stage, When::Before)?;
        if self.replaces(stage) {
            self.launch.run_hooks(stage, When::Instead)?;
        } else {
            self.run_default(stage)?;
        }
        if let (Stage::Identity, Some(link), true) = (stage, &self.link, self.may_have_changed()) {
            // L3: the kernel clears the parent-death signal when credentials change (prctl(2), PR_SET_PDEATHSIG).
            link.die_with_session_leader();
        }
        self.launch.run_hooks(stage, When::After)
    }

    /// Runs the default action of a stage.
    fn run_default(&mut self, stage: Stage) -> Result<()> {
        let preflight = &self.launch.preflight;
        match stage {
            Stage::Detach => Ok(()),
            Stage::CoreDumps => core_dumps::run(&preflight.settings),
            Stage::Identity => match &preflight.privileges {
                Some(privileges) => privileges.run(self.single_thread()),
                None => Ok(()),
            },
            Stage::Umask => {
                umask::run(&preflight.settings, preflight.detached);
                Ok(())
            }
            Stage::WorkingDirectory => working_directory::run(&preflight.settings, preflight.detached),
            Stage::PidFile => pidfile::run(self),
            Stage::Signals => {
                signals::run(self);
                Ok(())
            }
            Stage::Descriptors => descriptors::run(self),
            Stage::Stdio => stdio::run(self),
        }
    }

    /// Completes what needs the launcher's user and root: prepares the attachments, and sends or writes what the pidfile gets.
    fn finish_as_launcher_user(&mut self) -> Result<()> {
        prepare_attachments(self)?;
        let preflight = &self.launch.preflight;
        let is_irreversible = preflight.privileges.as_ref().is_some_and(Privileges::is_irreversible);
        match &self.link {
            // P6, L16: the new user could not write into the directory of the pidfile.
            None if is_irreversible && !self.replaces(Stage::PidFile) => pidfile::run(self),
            _ => Ok(()),
        }
    }
}
