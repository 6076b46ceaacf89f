//! A command for many bots, and what it affects.

use crate::error::{Error, Result};
use crate::parallel::Parallel;
use daemonize_core::Signal;
use std::sync::Arc;

/// The action of a command on each bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BotAction {
    Start,
    Stop,
    /// Restarts; at most this number of instances of one bot at once.
    Restart(Parallel),
    /// Changes nothing, and is done when the bot is up.
    Await,
    /// Kills at once; forgets what is in no configuration.
    Destroy,
    Signal(Signal),
    /// Freezes all processes (`true`), or thaws them.
    Freeze(bool),
}

/// A command for many bots.
pub(crate) struct ManyBots {
    pub(crate) action: BotAction,
    /// Words that select bots; without them, all bots that the action applies to.
    pub(crate) words: Option<Vec<String>>,
    /// Only finds out which bots are affected.
    pub(crate) dry_run: bool,
    /// Receives the outcome for each bot, by name, on the engine's thread; must not block.
    pub(crate) report: Arc<ReportOutcome>,
}

/// Receives the outcome of a command for one bot.
pub(crate) type ReportOutcome = dyn Fn(&str, Result<()>) + Send + Sync;

/// The bots that a command for many applies to.
#[derive(Debug, Default)]
pub(crate) struct AffectedBots {
    /// The names of the bots that the command selects.
    pub(crate) selected: Vec<String>,
    /// The names of bots that are stopped with them, because they depend on them.
    pub(crate) also: Vec<String>,
    /// The words that select no bot, with their errors.
    pub(crate) unknown: Vec<(String, Error)>,
}
