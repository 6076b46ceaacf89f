//! Exit statuses and errors of `daemonctl`.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Success.
    Done = 0,
    /// The command failed or was refused.
    Failed = 1,
    /// The command line is invalid; clap exits with this status itself.
    Usage = 2,
    /// The monitor is not running.
    Down = 3,
    /// There is no bot of that name.
    NoSuchBot = 4,
    /// The command did not complete in time.
    Timeout = 5,
    /// A monitor runs, but does not respond to this user.
    Unreachable = 6,
    /// `status`: a bot's program runs, but is not ready.
    BotStarting = 7,
    /// `status`: a bot waits for one that it depends on.
    BotWaiting = 8,
    /// `status`: a bot was stopped, is being stopped, or is suspended.
    BotStopped = 9,
    /// `status`: a bot failed: it is waiting to restart, was given up, or is not restarted.
    BotFailed = 10,
}

/// The exit statuses, as `--help` lists them.
pub(crate) const HELP: &str = "\
Exit status:
  0  success; all bots that should be up are up
  1  failed or refused, see the message
  2  invalid command line
  3  the monitor is not running
  4  there is no bot of that name
  5  not complete within --wait (it may still complete)
  6  a monitor runs, but with another configuration, or it does not respond: it belongs to another user, or is stuck

`status` reports the worst state of a bot that should be up:
  7  a bot is starting: its program runs, but is not ready yet
  8  a bot waits for a dependency
  9  a bot is stopped, stopping or suspended
 10  a bot failed: it is waiting to restart, was given up, or is not restarted

The configuration is the file of -c, else of $DAEMONCTL_CONFIG, else ~/.config/daemonctl.toml, else /etc/daemonctl.toml. --pidfile selects
a running monitor without a configuration.";

/// An error of a command, with its exit status.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: ExitStatus,
    /// The message after "error: "; empty if everything is printed already.
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

/// A closed pipe is not an error: its reader, such as `head`, has read enough.
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
