//! The JSON types of logs.

use serde::{Deserialize, Serialize};

/// One line of a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogEntry {
    /// The time at which the monitor read the line, in seconds since 1970-01-01 00:00 UTC; `None` if it is not known.
    pub time: Option<f64>,
    /// `stdout` or `stderr`; `None` if it is not known, as where both share one pipe (`stderr = "stdout"`, the default).
    pub stream: Option<String>,
    /// The number of the bot's run, counted from 1 since the bot was added to the monitor; `None` if it is not known.
    pub run: Option<u32>,
    /// The bot; `None` for a message of the monitor itself, and if it is not known.
    pub bot: Option<String>,
    /// The level of a message of the monitor itself: `INFO`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The line, without a time before it. What is not UTF-8 is replaced.
    pub text: String,
}

/// One run of a bot, from the execution of its program to the end of its process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogRun {
    /// The bot.
    pub bot: String,
    /// The number of the run.
    pub run: u32,
    /// The pid of its process.
    pub pid: i32,
    /// The beginning, in seconds since 1970-01-01 00:00 UTC.
    pub began: f64,
    /// The end; `None` while it runs.
    pub ended: Option<f64>,
    /// The cause of the end, such as `status 1` or `SIGKILL`; `None` while it runs.
    pub exit: Option<String>,
}
