//! Answers with lines: JSON, or a text to be saved.

use super::response::ok;
use crate::json;
use crate::logs::{BotLog, BotRun, FoundLines, LogLine, Truncation};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use daemonize_control::axum;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

/// The answer to a request for lines.
#[derive(Default, Serialize)]
pub(super) struct LogAnswer {
    pub(super) success: bool,
    /// The lines as they are kept, for clients that want nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lines: Option<Vec<String>>,
    pub(super) entries: Vec<json::LogEntry>,
    /// The runs to which the entries belong, and those between them; none if the lines were searched by an expression.
    pub(super) runs: Vec<json::LogRun>,
    /// `false` if the output is not kept.
    pub(super) kept: bool,
    /// The lines that a search by time or stream has left out, because that is not known of them.
    pub(super) unknown: usize,
    /// Set if fewer lines were found than are wanted, and older ones were not read: `size` or `time`.
    pub(super) truncated: Option<&'static str>,
    /// Rotated files that were not read, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) skipped: Vec<String>,
    /// The destination of the monitor's own log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<String>,
}

impl LogAnswer {
    /// Returns the answer of bots; with `has_lines` also as plain text, with `has_runs` with their runs.
    pub(super) fn of_bots(logs: &[BotLog], found: &FoundLines, has_lines: bool, has_runs: bool) -> LogAnswer {
        let whole = |line: &LogLine| String::from_utf8_lossy(line.bytes()).into_owned();
        LogAnswer {
            success: true,
            lines: has_lines.then(|| found.lines.iter().map(whole).collect()),
            entries: found.lines.iter().map(entry).collect(),
            runs: if has_runs { runs(logs, found) } else { Vec::new() },
            kept: logs.iter().any(|log| log.is_kept),
            unknown: found.unknown,
            truncated: found.truncated.map(Truncation::name),
            skipped: found.skipped.clone(),
            log: None,
        }
    }

    pub(super) fn response(&self) -> Response {
        ok(self)
    }
}

/// Returns the JSON of a line.
pub(super) fn entry(line: &LogLine) -> json::LogEntry {
    json::LogEntry {
        time: line.facts.time.map(seconds),
        stream: line.facts.stream.map(|stream| stream.name().to_owned()),
        run: line.facts.run,
        bot: line.bot.as_deref().map(str::to_owned),
        level: None,
        text: line.text().into_owned(),
    }
}

/// Returns the JSON of a run.
pub(super) fn run(bot: &str, run: &BotRun) -> json::LogRun {
    json::LogRun {
        bot: bot.to_owned(),
        run: run.run,
        pid: run.pid,
        began: seconds(run.began),
        ended: run.ended.map(seconds),
        exit: run.ended.map(|_| run.exit.to_string()),
    }
}

/// Returns milliseconds as seconds.
pub(super) fn seconds(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64()
}

/// Returns the runs of the lines, and those that follow them.
fn runs(logs: &[BotLog], found: &FoundLines) -> Vec<json::LogRun> {
    let mut first: HashMap<&str, u32> = HashMap::new();
    for line in &found.lines {
        if let (Some(bot), Some(run)) = (line.bot.as_deref(), line.facts.run) {
            let lowest = first.entry(bot).or_insert(run);
            *lowest = (*lowest).min(run);
        }
    }
    let of_log = |log: &BotLog| {
        let first = first.get(&*log.bot).copied();
        let shown = log.runs.iter().filter(move |run| first.is_some_and(|first| run.run >= first));
        shown.map(|shown| run(&log.bot, shown)).collect::<Vec<_>>()
    };
    logs.iter().flat_map(of_log).collect()
}

/// Returns the lines as a file to be saved: those of one bot as they are kept, those of several with time and name.
pub(super) fn download(name: &str, found: &FoundLines, has_names: bool) -> Response {
    let mut text = Vec::new();
    for line in &found.lines {
        if has_names {
            let time =
                line.facts.time.map_or_else(|| "-".to_owned(), |time| crate::logs::time(Duration::from_millis(time)));
            text.extend_from_slice(format!("{time} {}: ", line.bot.as_deref().unwrap_or("-")).as_bytes());
            text.extend_from_slice(line.text().as_bytes());
        } else {
            text.extend_from_slice(line.bytes());
        }
        text.push(b'\n');
    }
    attachment(name, text)
}

/// Returns a text as a file to be saved, which a browser neither shows nor executes.
pub(super) fn attachment(name: &str, text: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers: &mut HeaderMap = response.headers_mut();
    // Bots' names have these characters only, but for the colon, which no file of Windows may have.
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    let name: String = name.chars().take(100).map(safe).collect();
    let value = HeaderValue::from_str(&format!("attachment; filename=\"{name}.log\""));
    headers.insert(CONTENT_DISPOSITION, value.unwrap_or(HeaderValue::from_static("attachment")));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
