//! The outcome of the launcher's wait, and the progress of the pidfile meanwhile.

use super::cause_of_death::DeathReport;
use crate::error::Error;
use crate::pid::Pid;
use crate::settings::Settings;
use crate::stage::Stage;

/// The outcome of waiting for the daemon.
pub(super) enum StartOutcome {
    /// The daemon has sent READY.
    Ready(Pid),
    Failed(Error),
    /// The daemon's body has called `exit(3)` with status 0 before it was ready.
    Exited(Pid),
    /// The daemon is dead and reaped.
    Dead(DeathReport),
    /// End of file instead of a message.
    EndOfFile,
    /// The start timeout has elapsed.
    TimedOut,
}

/// The progress of the pidfile.
pub(super) enum PidFileState {
    /// It will be written when pid and addresses are known.
    Due,
    /// A hook replaces the stage: the file stays empty. The daemon receives its identity nevertheless.
    Replaced,
    /// It is written, and the daemon has been sent WRITTEN.
    Written {
        /// `true` if a successful start has to remove or replace a file of last words.
        last_words_due: bool,
    },
    /// It could not be written, for this reason, and the daemon sees end of file.
    Failed(Error),
}

impl PidFileState {
    pub(super) fn initial(settings: &Settings) -> PidFileState {
        if settings.hooks.replaces(Stage::PidFile) { PidFileState::Replaced } else { PidFileState::Due }
    }
}
