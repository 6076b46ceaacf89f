//! The reason for which the program of a bot was not started.

use super::resource_limits;
use crate::bot::Bot;
use crate::error::cause;
use crate::sys::spawn;
use nix::errno::Errno;
use std::io;

/// Why there is no process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StartError {
    /// "failed to execute `/usr/bin/web`: no such file or directory".
    pub(crate) text: String,
    pub(crate) errno: i32,
    /// The machine is short of something, which says nothing about the bot.
    pub(crate) shortage: bool,
}

impl StartError {
    /// Returns why a child has not executed the program of a bot.
    pub(crate) fn of(bot: &Bot, failure: spawn::SpawnError) -> StartError {
        let error = io::Error::from_raw_os_error(failure.errno);
        let thing = match failure.step {
            "execute" => bot.command.to_string_lossy(),
            _ => bot.name.as_str().into(),
        };
        let shortages =
            [Errno::EAGAIN, Errno::ENOMEM, Errno::EMFILE, Errno::ENFILE, Errno::ETXTBSY, Errno::ENOSPC, Errno::EDQUOT];
        let refused = failure.resource.and_then(resource_limits::with_number);
        let doing = match (failure.step, refused) {
            (_, Some(resource)) => format!("set `rlimits.{resource}` of"),
            ("set the nice value of", _) => "set `nice` of".to_owned(),
            ("set the OOM score of", _) => "set `oom_score_adjust` of".to_owned(),
            (step, _) => step.to_owned(),
        };
        StartError {
            text: format!("failed to {doing} `{thing}`: {}", cause(&error)),
            errno: failure.errno,
            shortage: shortages.contains(&Errno::from_raw(failure.errno)),
        }
    }

    /// Returns that the machine is short of what a start needs; another time, it may work.
    pub(crate) fn shortage(why: &str) -> StartError {
        StartError { text: format!("failed to start it: {why}"), errno: Errno::EAGAIN as i32, shortage: true }
    }

    /// Returns an error in the specification of a bot: another attempt would fail too.
    pub(super) fn invalid(text: String) -> StartError {
        StartError { text, errno: Errno::EINVAL as i32, shortage: false }
    }
}
