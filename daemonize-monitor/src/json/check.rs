//! The last check of a bot, in the HTTP API.

use serde::{Deserialize, Serialize};

/// The last check of a bot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CheckReport {
    /// When it ended, in seconds since 1970-01-01 00:00 UTC.
    pub time: f64,
    /// `true` if it succeeded.
    pub ok: bool,
    /// Why it failed; `null` if it succeeded.
    pub reason: Option<String>,
    /// The failures in a row until then.
    pub failures: u32,
}
