//! The progress and the result of a start, for the launcher: the state of the pidfile, the end of the wait, the
//! daemon's death.

use crate::error::{Error, ErrorKind};
use crate::handoff::Message;
use crate::pid::Pid;
use crate::settings::Settings;
use crate::stage::Stage;
use crate::sys::wait::Ended;

/// How far the pidfile is.
pub(super) enum PidFileState {
    /// To be written when pid and addresses are known.
    Due,
    /// A hook takes the place of the stage: the file stays empty, the daemon learns its identity all the same.
    Replaced,
    /// The daemon is told what stands in it.
    Written {
        /// Set if there is something to do about the last words when the start succeeds.
        last_words_due: bool,
    },
    /// The daemon is told to give up, and this is why.
    Failed(Error),
}

impl PidFileState {
    pub(super) fn of(settings: &Settings) -> PidFileState {
        if settings.hooks.replaces(Stage::PidFile) { PidFileState::Replaced } else { PidFileState::Due }
    }
}

/// How the wait for the daemon ended.
pub(super) enum Outcome {
    Ready(Pid),
    Failed(Error),
    /// The body of this daemon has called `exit(3)` with status 0 before it was ready.
    Exited(Pid),
    /// The session leader reports that the daemon is dead and reaped, and how that came.
    Dead(Verdict),
    /// End of file, where a message should have been.
    EndOfFile,
    TooLate,
}

/// The session leader's report on a dead daemon.
pub(super) enum Verdict {
    Died(Ended),
    /// It had to end the daemon, for this reason.
    Ended(Error),
}

impl Verdict {
    pub(super) fn of(message: Option<Message>) -> Option<Verdict> {
        match message {
            Some(Message::Status(death)) => Some(Verdict::Died(death)),
            Some(Message::Failed(error)) => Some(Verdict::Ended(error)),
            _ => None,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Verdict::Died(death) => died(Some(death)),
            Verdict::Ended(error) => error,
        }
    }
}

pub(super) fn died(death: Option<Ended>) -> Error {
    let how = death.map_or_else(|| "died".to_owned(), |death| format!("{death}"));
    Error::new(ErrorKind::Died, format!("failed to start: the daemon {how} before it was ready"))
}
