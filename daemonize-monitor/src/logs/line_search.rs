//! A search of lines: which are wanted, and which were found. The time of a search is bounded.

use super::line_filter::LineFilter;
use super::line_stamp::OutputStream;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest search.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The most files that are named because they were not read.
const MAX_SKIPPED: usize = 16;

/// The lines that are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogQuery {
    /// The maximum number of lines, of all bots together.
    pub(crate) count: usize,
    /// Only lines of this stream.
    pub(crate) stream: Option<OutputStream>,
    /// Only lines from this time on, in milliseconds since 1970.
    pub(crate) since: Option<u64>,
    pub(crate) filter: Option<LineFilter>,
}

/// The origin of a line. What is not known of it is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineFacts {
    /// Milliseconds since 1970.
    pub(crate) time: Option<u64>,
    pub(crate) stream: Option<OutputStream>,
    pub(crate) run: Option<u32>,
}

/// One line, without its newline.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    pub(crate) facts: LineFacts,
    /// `None` if it is not known.
    pub(crate) bot: Option<Arc<str>>,
    pub(super) bytes: Box<[u8]>,
    /// The length of the time at the beginning of the line.
    pub(super) stamp_length: usize,
    /// The time by which the line is merged with those of other sources.
    pub(super) order: u64,
}

impl LogLine {
    /// Returns the line as the bot printed it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[self.stamp_length..])
    }

    /// Returns the line as it is kept: in a file, it may begin with the time.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The reason why older lines were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truncation {
    /// As many bytes were read, or kept, as may be.
    Size,
    /// The search took as long as it may.
    Time,
}

impl Truncation {
    /// Returns its name, as in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Truncation::Size => "size",
            Truncation::Time => "time",
        }
    }
}

/// The lines that were found.
#[derive(Debug, Default)]
pub(crate) struct FoundLines {
    pub(crate) lines: Vec<LogLine>,
    /// The lines that a search by time or stream has left out, because that is not known of them.
    pub(crate) unknown: usize,
    /// Set if fewer lines were found than are wanted, and older ones were not read.
    pub(crate) truncated: Option<Truncation>,
    /// Rotated files that were not read, each with the reason.
    pub(crate) skipped: Vec<String>,
}

/// Lines that are read, filtered and merged.
pub(super) struct LineSearch<'a> {
    query: &'a LogQuery,
    found: FoundLines,
    end: Instant,
}

impl<'a> LineSearch<'a> {
    pub(super) fn new(query: &'a LogQuery) -> LineSearch<'a> {
        LineSearch { query, found: FoundLines::default(), end: Instant::now() + SEARCH_TIMEOUT }
    }

    /// Returns the lines that were found, the oldest first.
    pub(super) fn finish(mut self) -> FoundLines {
        self.trim(0);
        self.found
    }

    /// Returns the number of lines that are wanted.
    pub(super) fn count(&self) -> usize {
        self.query.count
    }

    /// Notes that older lines are not read.
    pub(super) fn truncate(&mut self, why: Truncation) {
        if self.found.truncated != Some(Truncation::Time) {
            self.found.truncated = Some(why);
        }
    }

    /// Notes files that are not read.
    pub(super) fn skip(&mut self, files: Vec<String>) {
        let room = MAX_SKIPPED.saturating_sub(self.found.skipped.len());
        self.found.skipped.extend(files.into_iter().take(room));
    }

    /// Returns `true` if the time of the search is over.
    pub(super) fn is_over(&self) -> bool {
        self.found.truncated == Some(Truncation::Time)
    }

    /// Returns `true` if a known time is before the lines that are wanted.
    pub(super) fn is_before(&self, time: Option<u64>) -> bool {
        self.query.since.is_some_and(|since| time.is_some_and(|time| time < since))
    }

    /// Adds the lines of one source, in their order.
    pub(super) fn add(&mut self, lines: Vec<LogLine>) {
        let mut order = 0;
        self.found.lines.extend(lines.into_iter().map(|line| {
            // Lines of one source keep their order, also where the clock was set back.
            order = line.order.max(order);
            LogLine { order, ..line }
        }));
        // Now and then, so that the lines of a thousand bots are not all in memory.
        self.trim(self.query.count + 1000);
    }

    /// Returns `true` if a line is wanted. None is after the time of the search.
    pub(super) fn takes(&mut self, line: LineFacts, text: &[u8]) -> bool {
        if Instant::now() > self.end {
            self.truncate(Truncation::Time);
        }
        if self.is_over() {
            return false;
        }
        let LogQuery { stream, since, filter, .. } = self.query;
        if stream.is_some() && line.stream != *stream
            || since.is_some_and(|since| line.time.is_none_or(|at| at < since))
        {
            let is_unknown = (stream.is_some() && line.stream.is_none()) || (since.is_some() && line.time.is_none());
            self.found.unknown += usize::from(is_unknown);
            return false;
        }
        filter.as_ref().is_none_or(|filter| filter.matches(text))
    }

    /// Sorts the lines and drops the oldest ones, once there are this many more than are wanted.
    fn trim(&mut self, slack: usize) {
        let lines = &mut self.found.lines;
        if lines.len() >= self.query.count + slack {
            lines.sort_by_key(|line| line.order);
            lines.drain(..lines.len().saturating_sub(self.query.count));
        } else if slack == 0 {
            lines.sort_by_key(|line| line.order);
        }
    }
}
