//! How `daemonctl` ends.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// It is done, or all is well.
    Done = 0,
    /// It was refused, or failed.
    Failed = 1,
    /// The command line is wrong; clap ends with this by itself.
    Usage = 2,
    /// The monitor does not run.
    Down = 3,
    /// There is no bot of that name.
    NoSuchBot = 4,
    /// It had not come about in the time given.
    Timeout = 5,
    /// A monitor runs, but does not answer this user.
    Unreachable = 6,
    /// `status`: a bot's program runs, but is not ready.
    BotStarting = 7,
    /// `status`: a bot waits for one that it depends on.
    BotWaiting = 8,
    /// `status`: a bot was stopped, is being stopped, or is suspended.
    BotStopped = 9,
    /// `status`: a bot has ended without success: it backs off, was given up, or is not started again.
    BotFailed = 10,
}

/// What `--help` says about it.
pub(crate) const HELP: &str = "\
ExitStatus status:
  0  done; all bots that should be up are up
  1  refused or failed: the message says why
  2  the command line is wrong
  3  the monitor is not running
  4  there is no bot of that name
  5  it had not come about within --wait (it may still)
  6  a monitor runs, but has another configuration, or does not answer: of another user, or stuck

Of `status` also, for the worst state of a bot that should be up:
  7  a bot is starting: its program runs, but is not ready
  8  a bot waits for one that it depends on
  9  a bot was stopped, is being stopped, or is suspended
 10  a bot has failed: it ended and backs off, was given up, or is not started again

The configuration is the file of -c, else of $DAEMONCTL_CONFIG, else ~/.config/daemonctl.toml, else /etc/daemonctl.toml. --pidfile names a
monitor that runs without it.";

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: ExitStatus,
    /// What is printed behind "error: "; nothing if all has been said.
    pub(crate) text: String,
}

impl CliError {
    pub(crate) fn new(exit: ExitStatus, text: impl Into<String>) -> CliError {
        CliError { exit, text: text.into() }
    }

    /// "failed to \<verb\> `<thing>`: \<cause\>".
    pub(crate) fn failed(verb: &str, thing: impl Display, cause: impl Display) -> CliError {
        CliError::new(ExitStatus::Failed, format!("failed to {verb} `{thing}`: {cause}"))
    }
}

/// Whoever read the output wants no more of it: no failure of ours.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> CliError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::new(ExitStatus::Done, ""),
            _ => CliError::new(ExitStatus::Failed, format!("failed to print: {error}")),
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
