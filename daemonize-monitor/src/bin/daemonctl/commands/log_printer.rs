//! Prints lines of logs: plainly, or with times, names, and the ends of runs between them.

use crate::exit_status::CliError;
use crate::human_format::escape;
use crate::output::{Output, Tone};
use daemonize_control::Published;
use daemonize_monitor::__daemonctl::rfc3339;
use daemonize_monitor::json::{LogEntry, LogItem, LogRun};
use serde_json::json;
use std::time::Duration;

/// The width at which names are not padded any more.
const MAX_NAME_WIDTH: usize = 24;

/// The printer of one command.
pub(super) struct LogPrinter {
    pub(super) output: Output,
    /// `true` for a time and a name before each line.
    pub(super) has_times: bool,
    /// The width of the names so far.
    pub(super) width: usize,
}

impl LogPrinter {
    /// Prints a line or the end of a run, as text.
    pub(super) fn item(&mut self, item: &LogItem) -> Result<(), CliError> {
        match item {
            LogItem::Entry(entry) => self.entry(entry),
            LogItem::RunEnded(run) => self.end_of_run(run),
            _ => Ok(()),
        }
    }

    /// Prints what an event of a stream brings.
    pub(super) fn event(&mut self, event: Published) -> Result<(), CliError> {
        let Published { name, data, .. } = event;
        match &*name {
            "entry" if self.output.json => {
                let mut document = json!({ "line": data["text"] });
                for key in ["time", "bot", "stream", "run", "level"] {
                    document[key] = data[key].clone();
                }
                self.output.document(&document)
            }
            "run" if self.output.json => self.output.document(&json!({ "run_ended": data })),
            "entry" => serde_json::from_value(data).map_or(Ok(()), |entry| self.entry(&entry)),
            "run" => serde_json::from_value(data).map_or(Ok(()), |run| self.end_of_run(&run)),
            // Version 0.1.
            "line" if self.output.json => self.output.document(&json!({ "line": data })),
            "line" => self.output.output(data.as_str().unwrap_or_default()),
            "lagged" => {
                self.output.note(format!("({} lines were not shown)", data["missed"]));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn entry(&mut self, entry: &LogEntry) -> Result<(), CliError> {
        if let Some(level) = &entry.level {
            let time = self.output.paint(Tone::Dimmed, &time(entry.time));
            return self.output.line(format!("{time} {} {}", self.level(level), escape(&entry.text)));
        }
        if !self.has_times {
            return self.output.output(&entry.text);
        }
        let prefix = self.prefix(entry.time, entry.bot.as_deref());
        let mark =
            if entry.stream.as_deref() == Some("stderr") { self.output.paint(Tone::Bad, "!") } else { "|".into() };
        if self.output.is_terminal() {
            self.output.line(format!("{prefix} {mark} {}", escape(&entry.text)))
        } else {
            self.output.line(format!("{prefix} {mark} {}", entry.text))
        }
    }

    /// Prints the end of a run, as a line of its own. A program that reads the plain lines of one bot is not given any.
    fn end_of_run(&mut self, run: &LogRun) -> Result<(), CliError> {
        let Some(exit) = &run.exit else { return Ok(()) };
        let text = format!("-- run {}, pid {}, ended by {} --", run.run, run.pid, escape(exit));
        if self.has_times {
            let prefix = self.prefix(run.ended, Some(&run.bot));
            self.output.line(format!("{prefix} {}", self.output.paint(Tone::Dimmed, &text)))
        } else if self.output.is_terminal() {
            self.output.line(self.output.paint(Tone::Dimmed, &text))
        } else {
            Ok(())
        }
    }

    fn prefix(&mut self, at: Option<f64>, bot: Option<&str>) -> String {
        let name = escape(bot.unwrap_or("?"));
        self.width = self.width.max(name.chars().count().min(MAX_NAME_WIDTH));
        let name = self.output.paint_name(&name, self.width);
        format!("{} {name}", self.output.paint(Tone::Dimmed, &time(at)))
    }

    fn level(&self, level: &str) -> String {
        let tone = match level {
            "ERROR" => Tone::Bad,
            "WARN" => Tone::Warning,
            _ => return escape(level).into_owned(),
        };
        self.output.paint(tone, level)
    }
}

/// Returns a time in UTC, or as much space.
fn time(seconds: Option<f64>) -> String {
    let unknown = || format!("{:24}", "-");
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map_or_else(unknown, rfc3339)
}
