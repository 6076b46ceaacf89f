//! The query of the routes of logs.

use super::response::{ErrorResponse, bad_request};
use crate::logs::{LineFilter, LogQuery, OutputStream, parse_since};
use serde::Deserialize;
use std::time::SystemTime;

/// The number of lines in a response unless it is said.
const DEFAULT_LINES: usize = 100;
/// The largest number of lines in one response.
const MAX_LINES: usize = 10_000;

/// The query of `GET /bots/NAME/log`, `GET /log` and `GET /monitor/log`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LogParameters {
    /// Names of bots, with commas between them.
    pub(super) bots: Option<String>,
    lines: Option<usize>,
    stream: Option<String>,
    since: Option<String>,
    grep: Option<String>,
    follow: Option<String>,
    download: Option<String>,
    entries: Option<String>,
}

impl LogParameters {
    /// Returns what is to be read.
    ///
    /// # Errors
    /// Returns what is wrong with a parameter.
    pub(super) fn query(&self) -> Result<LogQuery, ErrorResponse> {
        let stream = match self.stream.as_deref() {
            None | Some("both") => None,
            Some("stdout") => Some(OutputStream::Stdout),
            Some("stderr") => Some(OutputStream::Stderr),
            Some(_) => return Err(bad_request("`stream` is `stdout`, `stderr` or `both`").into()),
        };
        let since = match &self.since {
            Some(text) => {
                Some(parse_since(text, SystemTime::now()).map_err(|why| bad_request(format!("`since`: {why}")))?)
            }
            None => None,
        };
        let filter = match &self.grep {
            Some(pattern) => Some(LineFilter::new(pattern).map_err(|why| bad_request(format!("`grep`: {why}")))?),
            None => None,
        };
        let default = if self.is_download() { MAX_LINES } else { DEFAULT_LINES };
        Ok(LogQuery { count: self.lines.unwrap_or(default).min(MAX_LINES), stream, since, filter })
    }

    /// Returns `true` if new lines are sent as they come.
    pub(super) fn follows(&self) -> bool {
        is_set(self.follow.as_ref()) && !self.is_download()
    }

    /// Returns `true` if the answer is a text to be saved.
    pub(super) fn is_download(&self) -> bool {
        is_set(self.download.as_ref())
    }

    /// Returns `true` if a stream has what is known of each line.
    pub(super) fn has_entries(&self) -> bool {
        is_set(self.entries.as_ref())
    }
}

fn is_set(flag: Option<&String>) -> bool {
    flag.is_some_and(|flag| flag != "0")
}
