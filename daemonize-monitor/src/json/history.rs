//! The last day of a bot, as `GET /bots/NAME/history` answers with.

use serde::{Deserialize, Serialize};

/// The last day of a bot: a sample for every ten minutes, the oldest first. It is kept while the monitor has a status page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BotHistory {
    /// The seconds from one sample to the next.
    pub interval: u64,
    /// The time at which the interval of the first sample began, in seconds since 1970-01-01 00:00 UTC; 0 without samples.
    pub start: f64,
    /// The exits within each interval.
    pub exits: Vec<u32>,
    /// The resident memory at the end of each interval in bytes, exact to half a percent.
    pub memory: Vec<Option<u64>>,
    /// The processor time within each interval, in percent of one processor, exact to half a percent.
    pub cpu: Vec<Option<f64>>,
}
