//! The JSON types of the monitor's HTTP API: the endpoint serializes them, `daemonctl` deserializes them.
//!
//! Times are seconds and may have a fraction. An unknown value is `null`. Fields may be added: a client ignores fields that
//! it does not know.

mod check;
mod detail;
mod history;
mod log;
mod log_item;

pub use crate::health::BotHealth;
pub use crate::status::{Rolling, State};
pub use check::CheckReport;
pub use detail::{BotDetail, ExitReport, LogDetail, NextStep, RelatedBot, Setting};
pub use history::BotHistory;
pub use log::{LogEntry, LogRun};
pub use log_item::LogItem;

use serde::{Deserialize, Serialize};

/// The status of the monitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MonitorReport {
    /// The name.
    pub name: String,
    /// The pid.
    pub pid: i32,
    /// The seconds since the monitor started.
    pub uptime: f64,
    /// The version.
    pub version: String,
    /// The path of the configuration file, if the monitor was started with one.
    pub config: Option<String>,
    /// The error because of which the last configuration was rejected.
    pub problem: Option<String>,
    /// The error that keeps the monitor's own log from being written, with the number of lost messages; `null` if there is none.
    pub log_problem: Option<String>,
    /// The number of lines that are missing on the monitor's stdout, in a container, and why; `null` if there is none, or it has been
    /// said there.
    pub output_problem: Option<String>,
}

/// The status of a bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BotReport {
    /// The name: `web`, or `web:2` for an instance.
    pub name: String,
    /// The name without the instance number.
    pub family: String,
    /// The group of bots that it belongs to.
    pub group: Option<String>,
    /// The state; `None` for a state that this version does not know.
    #[serde(with = "state")]
    pub state: Option<State>,
    /// The reason of the state, if there is one.
    pub reason: Option<String>,
    /// The pid, if the bot has a process.
    pub pid: Option<i32>,
    /// The time at which the state was entered, in seconds since 1970-01-01 00:00 UTC.
    pub since: f64,
    /// The time at which a command has frozen the bot, in seconds since 1970-01-01 00:00 UTC, if it is frozen.
    pub frozen_since: Option<f64>,
    /// The seconds since the process was started.
    pub uptime: Option<f64>,
    /// The exits within the last `window`.
    pub exits: u32,
    /// The exits within `window` that are followed by a restart.
    pub limit: u32,
    /// The window in which exits are counted, in seconds.
    pub window: f64,
    /// The seconds until the next restart.
    pub next_start: Option<f64>,
    /// The time of the next run of its schedule, in seconds since 1970-01-01 00:00 UTC.
    pub next_run: Option<f64>,
    /// The cause of the last exit.
    pub last_exit: Option<String>,
    /// The processor time of its processes since the request before, in percent of one processor.
    pub cpu: Option<f64>,
    /// The resident memory of its processes in bytes; shared memory is counted for each process.
    pub memory: Option<u64>,
    /// The most anonymous memory that its processes may use together, in bytes.
    pub memory_max: Option<u64>,
    /// The bytes of output that were lost.
    pub dropped: u64,
    /// `true` if the bot starts when the monitor starts.
    pub autostart: bool,
    /// `true` if the bot is in the configuration.
    pub configured: bool,
    /// The rolling restart that will restart this instance, is doing so, or was stopped before it.
    pub rolling: Option<Rolling>,
    /// The counts: `exit`, `start`, `restart` and `kill`, then the events that the bot reported.
    pub events: Vec<Event>,
    /// The health, if the bot has a check and runs.
    pub health: Option<BotHealth>,
    /// The last check, if the bot was checked since it became ready.
    pub last_check: Option<CheckReport>,
}

/// The count of one kind of event of a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Event {
    /// The name.
    pub name: String,
    /// The events since the bot was added to the monitor.
    pub total: u64,
    /// The events within the past hour.
    pub hour: u64,
    /// The events in each minute of that hour, the oldest first.
    pub minutes: Vec<u64>,
}

/// The changes that a reload applies, or would apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Plan {
    /// Bots that are new.
    pub added: Vec<String>,
    /// Bots that are stopped and removed.
    pub removed: Vec<String>,
    /// Bots that have to be restarted.
    pub restarted: Vec<ChangedKeys>,
    /// Bots whose changes apply without a restart.
    pub changed: Vec<ChangedKeys>,
    /// The number of bots without changes.
    pub untouched: usize,
    /// Settings of the monitor that change at once.
    pub settings: Vec<String>,
    /// Settings that change when the monitor itself is restarted.
    pub settings_later: Vec<String>,
}

/// A bot and the changed keys of its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ChangedKeys {
    /// The name of the bot.
    pub name: String,
    /// The keys of the configuration whose values differ.
    pub why: Vec<String>,
}

/// The failure of a command for one bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Failure {
    /// The name of the bot.
    pub name: String,
    /// The cause.
    pub message: String,
    /// `true` if the command did not complete within the timeout. It may still complete.
    pub timeout: bool,
    /// `true` if there is no such bot.
    pub unknown: bool,
}

/// Serializes states by their names.
mod state {
    use super::State;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::borrow::Cow;

    #[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // As serde calls it.
    pub(super) fn serialize<S: Serializer>(state: &Option<State>, serializer: S) -> Result<S::Ok, S::Error> {
        state.map(State::name).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<State>, D::Error> {
        let name = Option::<Cow<'_, str>>::deserialize(deserializer)?;
        Ok(State::ALL.into_iter().find(|state| Some(state.name()) == name.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_by_its_name_and_one_that_is_not_known_is_none() {
        for state in State::ALL {
            let bot = BotReport { state: Some(state), ..BotReport::default() };
            let text = serde_json::to_string(&bot).unwrap();
            assert!(text.contains(&format!("\"state\":\"{state}\"")), "{text}");
            assert_eq!(serde_json::from_str::<BotReport>(&text).unwrap(), bot);
        }
        for text in ["{}", "{\"state\":null}", "{\"state\":\"levitating\"}"] {
            assert_eq!(serde_json::from_str::<BotReport>(text).unwrap().state, None, "{text}");
        }
    }
}
