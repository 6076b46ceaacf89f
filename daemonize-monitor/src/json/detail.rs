//! The JSON types of `GET /bots/NAME/show`.

use super::{BotReport, State, state};
use serde::{Deserialize, Serialize};

/// All that is known of a bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BotDetail {
    /// Its status.
    pub bot: BotReport,
    /// The program.
    pub command: String,
    /// The arguments after the program's name.
    pub arguments: Vec<String>,
    /// The user, by name or number; `None` if it is the monitor's.
    pub user: Option<String>,
    /// The group of its user, by name or number; `None` if it is the user's primary group.
    pub unix_group: Option<String>,
    /// The working directory.
    pub directory: String,
    /// The names of the environment variables that its configuration sets. Their values are never reported.
    pub environment: Vec<String>,
    /// `true` if it inherits the environment of the monitor.
    pub inherits_environment: bool,
    /// The bots that it depends on.
    pub dependencies: Vec<RelatedBot>,
    /// The bots that depend on it.
    pub dependents: Vec<RelatedBot>,
    /// The targets of its output.
    pub logs: Vec<LogDetail>,
    /// The next step.
    pub next: NextStep,
    /// Further keys of its configuration with their values, as people write them.
    pub settings: Vec<Setting>,
    /// Its last exits, the newest last; at most 20.
    pub exits: Vec<ExitReport>,
}

/// A bot that another one depends on, or that depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RelatedBot {
    /// The name.
    pub name: String,
    /// The state; `None` for a state that this version does not know.
    #[serde(with = "state")]
    pub state: Option<State>,
    /// `true` if bots that depend on it may start.
    pub ready: bool,
}

/// The target of an output stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogDetail {
    /// `stdout` or `stderr`.
    pub stream: String,
    /// `file`, `memory`, `inherit`, `null`, or `stdout` for a stderr that goes where stdout goes.
    pub target: String,
    /// The path of the file.
    pub path: Option<String>,
    /// The size of the file in bytes, without rotated files; `None` if it is not there or cannot be looked at.
    pub size: Option<u64>,
    /// The error that keeps output from being written.
    pub problem: Option<String>,
}

/// The next step of a bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NextStep {
    /// The step, such as `restarts` or `stays down until it is started`.
    pub step: String,
    /// The seconds until then; `None` if that is not a matter of time.
    pub seconds: Option<f64>,
    /// The cause, such as `third exit in a row, status 1`.
    pub why: Option<String>,
}

/// A key of a bot's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Setting {
    /// The key.
    pub key: String,
    /// The value, as people write it.
    pub value: String,
}

/// The end of one run of a bot, or of an attempt to start it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExitReport {
    /// The time of the exit, in seconds since 1970-01-01 00:00 UTC.
    pub at: f64,
    /// The cause, such as `exited with status 1`, `killed by SIGKILL` or `failed checks`.
    pub exit: String,
    /// The exit status, if the process exited by itself.
    pub status: Option<i32>,
    /// The signal that ended the process.
    pub signal: Option<String>,
    /// Details of the cause, such as the check that failed, or that it was stopped.
    pub reason: Option<String>,
    /// `true` if a command or the configuration asked for the end.
    pub requested: bool,
    /// The process; `None` if the program could not be started.
    pub pid: Option<i32>,
    /// How long the program ran, in seconds.
    pub ran_for: f64,
    /// The last lines of its output, the newest last; at most 10 lines and 768 bytes.
    pub lines: Vec<String>,
}
