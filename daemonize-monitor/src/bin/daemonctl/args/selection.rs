//! The options that several commands share: the bots that they apply to, and how long they wait.

use super::values::duration;
use crate::word_candidates;
use clap::Args;
use daemonize_monitor::Parallel;
use std::time::Duration;

/// The default duration of `--wait`.
pub(super) const DEFAULT_WAIT: &str = "60s";

/// The bots that a command applies to.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct BotSelection {
    /// Names of bots (`web` includes all instances `web:1`, `web:2`), groups, globs such as `web:*`, or `all`.
    #[arg(value_name = "BOT", add = word_candidates::bots())]
    pub(crate) bots: Vec<String>,
    /// All bots.
    #[arg(short, long)]
    pub(crate) all: bool,
}

impl BotSelection {
    /// Returns the names; `None` means all bots.
    pub(crate) fn names(&self) -> Option<&[String]> {
        if self.all { None } else { Some(&self.bots) }
    }
}

/// How many instances of a bot are restarted at once.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ParallelOption {
    /// How many instances of a bot are restarted at once: a number, or `all` [default: 1].
    ///
    /// The next ones are touched when these are ready; the first one that fails stops the restart.
    #[arg(short, long, value_name = "N")]
    pub(crate) parallel: Option<Parallel>,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// Waits until the command is complete, at most TIME (`500ms`, `10s`, `2m`) [default: 60s].
    ///
    /// A start is complete when the bot is ready, and a stop when no process is left of the bot and of those that are stopped with it.
    #[arg(short, long, value_name = "TIME", require_equals = true, num_args = 0..=1, default_missing_value = DEFAULT_WAIT,
        value_parser = duration)]
    pub(crate) wait: Option<Duration>,
}

/// The arguments of `stop`, `restart` and `destroy`, which take along the bots that depend on those that are named.
#[derive(Args, Debug)]
pub(crate) struct StopArguments {
    #[command(flatten)]
    pub(crate) which: BotSelection,
    #[command(flatten)]
    pub(crate) wait: Wait,
    /// Only prints which bots would be stopped, also those that depend on them.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// The arguments of `freeze` and `thaw`, which take no other bots along.
#[derive(Args, Debug)]
pub(crate) struct FreezeArguments {
    #[command(flatten)]
    pub(crate) which: BotSelection,
    /// Only prints which bots that would be.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}
