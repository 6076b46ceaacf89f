//! The key `exit_when`: ends of bots after which the monitor stops the others and ends as well.

use std::fmt;
use std::str::FromStr;

/// The condition under which a monitor stops its bots and ends, with the exit status of a bot as its own.
///
/// A container runs as long as its first process. With one of these, its runtime sees that a bot has failed, and with which
/// status. A bot that a signal has killed counts as the shell has it: 128 and the number of the signal.
///
/// ```
/// use daemonize_monitor::ExitWhen;
///
/// assert_eq!("any-gave-up".parse(), Ok(ExitWhen::AnyGaveUp));
/// assert_eq!(ExitWhen::default().to_string(), "never");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitWhen {
    /// It runs until it is stopped.
    #[default]
    Never,
    /// When a bot is given up, or has ended without success and is not started again. The status is that of the bot's last exit.
    AnyGaveUp,
    /// When all bots have ended that were started, and none is started again. The status is that of the bot that ended last without
    /// success, or 0.
    AllEnded,
}

/// The conditions, as they are written.
const NAMES: [(&str, ExitWhen); 3] =
    [("never", ExitWhen::Never), ("any-gave-up", ExitWhen::AnyGaveUp), ("all-ended", ExitWhen::AllEnded)];

impl fmt::Display for ExitWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, when)| when == self).map_or("", |(name, _)| name))
    }
}

impl FromStr for ExitWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<ExitWhen, String> {
        let found = NAMES.iter().find(|(name, _)| *name == text).map(|(_, when)| *when);
        found.ok_or_else(|| format!("`{text}` is not a condition: write \"any-gave-up\", \"all-ended\" or \"never\""))
    }
}
