//! The outcome of a probe, and whether a failure says something about the bot.

use crate::error::cause;
use nix::errno::Errno;
use std::io;

/// The reason for which a probe has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProbeFailure {
    /// The bot does not answer, or not as it should.
    OfBot(String),
    /// The probe could not be made, which says nothing about the bot.
    OfMonitor(String),
}

impl ProbeFailure {
    /// Returns why a connection was not made.
    pub(super) fn of(error: &io::Error) -> ProbeFailure {
        let shortages = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOBUFS, Errno::EADDRNOTAVAIL]
            .map(|errno| errno as i32);
        let is_shortage = error.raw_os_error().is_some_and(|errno| shortages.contains(&errno));
        if is_shortage { ProbeFailure::OfMonitor(cause(error)) } else { ProbeFailure::OfBot(cause(error)) }
    }
}

/// The outcome of a probe.
pub(crate) type ProbeResult = Result<(), ProbeFailure>;
