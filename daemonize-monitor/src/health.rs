//! The health of a bot, as its checks tell.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::SystemTime;

/// The health of a bot that has a check and runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BotHealth {
    /// Its last check succeeded.
    Healthy,
    /// Its last check failed, and it is stopped after more failures in a row.
    Failing,
    /// It was not checked since it became ready; in JSON also a state that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl BotHealth {
    /// Returns the name, as in status pages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            BotHealth::Unknown => "unknown",
            BotHealth::Healthy => "healthy",
            BotHealth::Failing => "failing",
        }
    }
}

impl fmt::Display for BotHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The last check of a bot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastCheck {
    /// When it ended.
    pub at: SystemTime,
    /// Why it failed; `None` if it succeeded.
    pub failure: Option<String>,
    /// The failures in a row until then.
    pub failures: u32,
}

impl LastCheck {
    pub(crate) fn new(failure: Option<String>, failures: u32) -> LastCheck {
        LastCheck { at: SystemTime::now(), failure, failures }
    }
}
