//! The options of `tail` and `log`.

use super::values::{StreamChoice, beginning, pattern};
use crate::monitor_client::segment;
use crate::word_candidates;
use clap::Args;

/// The lines of a log that are printed.
#[derive(Args, Clone, Debug)]
pub(crate) struct LineSelection {
    /// Keeps printing new lines.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Number of lines, of all bots together [default: 10, or 10,000 with `--since`].
    #[arg(short = 'n', long)]
    lines: Option<u32>,
    /// Only lines from TIME on: how long ago (`10m`), or a time in UTC (`2026-11-30T14:05:00Z`).
    #[arg(long, value_name = "TIME", value_parser = beginning)]
    pub(crate) since: Option<String>,
    /// Only lines that match REGEX, a regular expression as of the crate `regex`; `(?i)` at its beginning ignores case.
    #[arg(long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) grep: Option<String>,
}

impl LineSelection {
    /// Returns the query of a route for the lines that are there.
    pub(crate) fn query(&self) -> String {
        self.query_of(self.lines.unwrap_or(if self.since.is_some() { 10_000 } else { 10 }))
    }

    /// Returns the query for the same lines and those that come.
    pub(crate) fn following(&self) -> String {
        self.query() + "&follow=1&entries=1"
    }

    /// Returns the query for no line, which has the same errors.
    pub(crate) fn probing(&self) -> String {
        self.query_of(0)
    }

    fn query_of(&self, lines: u32) -> String {
        let mut query = format!("lines={lines}");
        for (key, value) in [("since", &self.since), ("grep", &self.grep)] {
            if let Some(value) = value {
                query = format!("{query}&{key}={}", segment(value));
            }
        }
        query
    }
}

/// The arguments of `tail`.
#[derive(Args, Debug)]
pub(crate) struct TailArguments {
    #[command(flatten)]
    pub(crate) selection: LineSelection,
    /// Which stream to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) stream: StreamChoice,
    /// Prints the time and the bot before each line, and where a run has ended, as for several bots.
    #[arg(short, long)]
    pub(crate) times: bool,
    /// Names of bots; `web` includes all instances `web:1`, `web:2`.
    #[arg(value_name = "BOT", required = true, add = word_candidates::bots())]
    pub(crate) bots: Vec<String>,
}
