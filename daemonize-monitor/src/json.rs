//! What the monitor says of itself over its endpoint, as JSON: the listener writes these types, `daemonctl` reads them.
//!
//! Numbers of seconds may have a fraction. What cannot be told is `null`. Fields may be added: whoever reads these types
//! skips what it does not know.

pub use crate::status::State;

use serde::{Deserialize, Serialize};

/// The monitor itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Monitor {
    /// Its name.
    pub name: String,
    /// Its process.
    pub pid: i32,
    /// For how many seconds it has been running.
    pub uptime: f64,
    /// Its version.
    pub version: String,
    /// The configuration that it was started with, if there is one.
    pub config: Option<String>,
    /// Why the configuration that is there now was not taken.
    pub problem: Option<String>,
    /// Why its own log cannot be written now, and how many messages were lost; `null` if it can.
    pub log_problem: Option<String>,
}

/// One bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Bot {
    /// Its name: `web`, or `web:2` for an instance.
    pub name: String,
    /// Its name without the number of an instance.
    pub family: String,
    /// What it is at; `None` for a state that this version does not know.
    #[serde(with = "state")]
    pub state: Option<State>,
    /// Why, if there is something to say.
    pub reason: Option<String>,
    /// Its process, if there is one.
    pub pid: Option<i32>,
    /// When it came to this state, in seconds since 1970.
    pub since: f64,
    /// For how many seconds its process has been running.
    pub uptime: Option<f64>,
    /// How often it ended within the last `window`.
    pub exits: u32,
    /// How many of these are forgiven.
    pub limit: u32,
    /// The time in which exits are counted, in seconds.
    pub window: f64,
    /// In how many seconds it is started again.
    pub next_start: Option<f64>,
    /// How its process ended the last time.
    pub last_exit: Option<String>,
    /// The processor time that its processes took since somebody asked before, in percent of one processor.
    pub cpu: Option<f64>,
    /// The memory that its processes have in use, in bytes; what they share is counted for each.
    pub memory: Option<u64>,
    /// Bytes of its output that could not be kept.
    pub dropped: u64,
    /// Whether it is started with the monitor.
    pub autostart: bool,
    /// Whether it is in the configuration.
    pub configured: bool,
    /// What was counted: `exit`, `start`, `restart` and `kill`, then the events it reported.
    pub events: Vec<Event>,
}

/// One sort of event of a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Event {
    /// Its name.
    pub name: String,
    /// How many there were since the monitor has known the bot.
    pub total: u64,
    /// How many there were within the past hour.
    pub hour: u64,
    /// How many there were in each minute of it, the oldest first.
    pub minutes: Vec<u64>,
}

/// What a reload does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Plan {
    /// Bots that are new.
    pub added: Vec<String>,
    /// Bots that are stopped and forgotten.
    pub removed: Vec<String>,
    /// Bots that have to be restarted.
    pub restarted: Vec<Change>,
    /// Bots to which something new applies while they run.
    pub changed: Vec<Change>,
    /// How many bots nothing happens to.
    pub untouched: usize,
    /// Settings of the monitor that change at once.
    pub settings: Vec<String>,
    /// Settings that change when the monitor itself is restarted.
    pub settings_later: Vec<String>,
}

/// A bot and what has changed of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Change {
    /// The bot.
    pub name: String,
    /// The keys of the configuration whose values differ.
    pub why: Vec<String>,
}

/// A bot that did not do what it was told to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Failure {
    /// The bot.
    pub name: String,
    /// Why.
    pub message: String,
    /// Whether it only took longer than somebody wanted to wait, and may still come about.
    pub timeout: bool,
    /// Whether there is no such bot.
    pub unknown: bool,
}

/// States by their names.
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
            let bot = Bot { state: Some(state), ..Bot::default() };
            let text = serde_json::to_string(&bot).unwrap();
            assert!(text.contains(&format!("\"state\":\"{state}\"")), "{text}");
            assert_eq!(serde_json::from_str::<Bot>(&text).unwrap(), bot);
        }
        for text in ["{}", "{\"state\":null}", "{\"state\":\"levitating\"}"] {
            assert_eq!(serde_json::from_str::<Bot>(text).unwrap().state, None, "{text}");
        }
    }
}
