//! Requests of logs to a running monitor.

use crate::exit_status::CliError;
use crate::monitor_client::{Connection, failure, taken};
use daemonize_control::Events;
use daemonize_monitor::json;

/// The lines of a log.
#[derive(Clone, Debug)]
pub(crate) struct LogResponse {
    pub(crate) entries: Vec<json::LogEntry>,
    pub(crate) runs: Vec<json::LogRun>,
    /// The lines as they are kept, for one bot.
    pub(crate) lines: Option<Vec<String>>,
    pub(crate) is_kept: bool,
    /// The lines that were left out because their time or stream is not known.
    pub(crate) unknown: u64,
    /// Why older lines were not read: `size` or `time`.
    pub(crate) truncated: Option<String>,
    /// Rotated files that were not read, each with the reason.
    pub(crate) skipped: Vec<String>,
}

impl Connection {
    /// Returns the answer of a route of logs.
    pub(crate) fn log(&self, route: &str) -> Result<LogResponse, CliError> {
        let mut answer = self.get(route)?;
        let is_kept = answer["kept"] != false; // An older monitor does not say.
        let lines: Option<Vec<String>> = taken(&mut answer, "lines")?;
        let plain = |text: &String| {
            let mut entry = json::LogEntry::default();
            entry.text.clone_from(text);
            entry
        };
        // Version 0.1 has only the lines.
        let entries = match answer.get("entries") {
            Some(_) => taken(&mut answer, "entries")?,
            None => lines.iter().flatten().map(plain).collect(),
        };
        let runs = taken::<Option<_>>(&mut answer, "runs")?.unwrap_or_default();
        let unknown = answer["unknown"].as_u64().unwrap_or_default();
        let truncated = taken(&mut answer, "truncated")?;
        let skipped = taken::<Option<_>>(&mut answer, "skipped")?.unwrap_or_default();
        Ok(LogResponse { entries, runs, lines, is_kept, unknown, truncated, skipped })
    }

    /// Streams the last lines and new ones of a route of logs.
    pub(crate) fn follow(&self, route: &str) -> Result<Events, CliError> {
        self.client.stream(route).map_err(|error| failure(&error))
    }
}
