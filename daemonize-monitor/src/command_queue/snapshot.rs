//! All that the engine knows of a bot at one moment.

use crate::bot::Bot;
use crate::json;
use crate::status::BotStatus;
use std::sync::Arc;

/// A bot as the engine knows it. What has to be looked up in the file system is not in it.
pub(crate) struct BotSnapshot {
    pub(crate) bot: Arc<Bot>,
    pub(crate) status: BotStatus,
    /// The bots that it depends on.
    pub(crate) dependencies: Vec<json::RelatedBot>,
    /// The bots that depend on it.
    pub(crate) dependents: Vec<json::RelatedBot>,
    pub(crate) next: json::NextStep,
    /// Its control group, or why it has none.
    pub(crate) cgroup: String,
    /// Its last exits, the newest last.
    pub(crate) exits: Vec<json::ExitReport>,
}
