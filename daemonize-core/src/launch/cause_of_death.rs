//! The cause of death of a daemon that never became ready, as the session leader reports it.

use crate::error::{Error, ErrorKind};
use crate::ipc::Message;
use crate::sys::wait::Ended;

/// The session leader's report on a dead daemon, which is reaped.
pub(super) enum DeathReport {
    /// The daemon ended by itself, or was killed from outside or because of end of file, with this wait status.
    Died(Ended),
    /// The session leader had to kill the daemon, for this reason.
    Killed(Error),
}

impl DeathReport {
    /// Returns `None` if the message is no report.
    pub(super) fn from_message(message: Option<Message>) -> Option<DeathReport> {
        match message {
            Some(Message::Status(death)) => Some(DeathReport::Died(death)),
            Some(Message::Failed(error)) => Some(DeathReport::Killed(error)),
            _ => None,
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            DeathReport::Died(death) => died(Some(death)),
            DeathReport::Killed(error) => error,
        }
    }
}

/// Returns the error of a start whose daemon died, with its wait status if that is known.
pub(super) fn died(death: Option<Ended>) -> Error {
    let how = match death {
        Some(death) => format!("{death}"),
        None => "died".to_owned(),
    };
    Error::new(ErrorKind::Died, format!("failed to start: the daemon {how} before it was ready"))
}
