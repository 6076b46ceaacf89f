//! Reads the last lines of several bots, from memory and from files, filters them, and merges them by time.
//!
//! Everything is bounded: the bytes that are read of files, the lines that are kept, and the time of a search.

use super::bot_log::{BotLog, LogSource};
use super::line_filter::LineFilter;
use super::line_stamp::{LineStamp, OutputStream, in_ms};
use super::log_path::LogPath;
use super::offset_index::OffsetIndex;
use super::tail::last_bytes;
use crate::error::{Error, ErrorKind, Result, cause};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of the end of one file is read.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// How much of all files together is read; each has its share.
const MAX_TOTAL_BYTES: u64 = 4 << 20;
/// The least share of a file.
const MIN_FILE_BYTES: u64 = 4 << 10;

/// The longest search with an expression.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The length of a time at the beginning of a line, with the space after it.
const TIMESTAMP_BYTES: usize = "2026-01-31T23:59:59.999Z ".len();

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

/// One line, without its newline. What is not known of it is `None`.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// Milliseconds since 1970.
    pub(crate) time: Option<u64>,
    pub(crate) stream: Option<OutputStream>,
    pub(crate) run: Option<u32>,
    pub(crate) bot: Option<Arc<str>>,
    bytes: Box<[u8]>,
    /// The length of the time at the beginning of the line.
    stamp_length: usize,
    /// The time by which the line is merged with those of other sources.
    order: u64,
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

/// The lines that were found.
#[derive(Debug, Default)]
pub(crate) struct FoundLines {
    pub(crate) lines: Vec<LogLine>,
    /// The lines that a search by time or stream has left out, because that is not known of them.
    pub(crate) unknown: usize,
}

/// Reads the last lines of bots, the oldest first.
///
/// # Errors
/// A file cannot be read, or the search takes too long.
pub(crate) fn read_lines(logs: &[BotLog], query: &LogQuery) -> Result<FoundLines> {
    let mut search = LineSearch { query, found: FoundLines::default(), end: Instant::now() + SEARCH_TIMEOUT };
    let files = files(logs);
    let share = MAX_TOTAL_BYTES / files.len().max(1) as u64;
    for log in logs {
        search.source(memory_lines(log))?;
    }
    for file in files {
        let lines = file_lines(&file, share.clamp(MIN_FILE_BYTES, MAX_FILE_BYTES)).map_err(|error| {
            Error::failed(ErrorKind::System, "read", file.source.path.path().display(), cause(&error))
        })?;
        search.source(lines.into_iter())?;
    }
    search.trim(0);
    Ok(search.found)
}

/// Lines that are read, filtered and merged.
struct LineSearch<'a> {
    query: &'a LogQuery,
    found: FoundLines,
    end: Instant,
}

impl LineSearch<'_> {
    /// Takes the lines of one source, in their order.
    fn source(&mut self, lines: impl Iterator<Item = LogLine>) -> Result<()> {
        let mut order = 0;
        for mut line in lines {
            // Lines of one source keep their order, also where the clock was set back.
            order = line.order.max(order);
            line.order = order;
            if self.takes(&line)? {
                self.found.lines.push(line);
            }
        }
        // Now and then, so that the lines of a thousand bots are not all in memory.
        self.trim(self.query.count + 1000);
        Ok(())
    }

    fn takes(&mut self, line: &LogLine) -> Result<bool> {
        let LogQuery { stream, since, filter, .. } = self.query;
        if stream.is_some() && line.stream != *stream
            || since.is_some_and(|since| line.time.is_none_or(|at| at < since))
        {
            let is_unknown = (stream.is_some() && line.stream.is_none()) || (since.is_some() && line.time.is_none());
            self.found.unknown += usize::from(is_unknown);
            return Ok(false);
        }
        let Some(filter) = filter else { return Ok(true) };
        if Instant::now() > self.end {
            let why = format!("it took longer than {SEARCH_TIMEOUT:?}: use a simpler expression, or fewer bots");
            return Err(Error::new(ErrorKind::Timeout, format!("failed to search the logs: {why}")));
        }
        Ok(filter.matches(&line.bytes[line.stamp_length..]))
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

fn memory_lines(log: &BotLog) -> impl Iterator<Item = LogLine> {
    log.ring.lines().map(|(bytes, LineStamp { time, run, stream })| LogLine {
        time: Some(time),
        stream,
        run: Some(run),
        bot: Some(Arc::clone(&log.bot)),
        bytes: bytes.into(),
        stamp_length: 0,
        order: time,
    })
}

/// A file, with the bots whose log it is among those that are asked for.
struct LogFileOf<'a> {
    source: &'a LogSource,
    bots: Vec<&'a Arc<str>>,
    stream: Option<OutputStream>,
}

/// Returns the files of all logs, each once.
fn files(logs: &[BotLog]) -> Vec<LogFileOf<'_>> {
    let mut files: Vec<LogFileOf<'_>> = Vec::new();
    let mut places: HashMap<&Path, usize> = HashMap::new();
    for log in logs {
        for source in &log.files {
            let place = *places.entry(LogPath::path(&source.path)).or_insert(files.len());
            match files.get_mut(place) {
                Some(file) => {
                    file.bots.push(&log.bot);
                    file.stream = file.stream.filter(|stream| source.stream == Some(*stream));
                }
                None => files.push(LogFileOf { source, bots: vec![&log.bot], stream: source.stream }),
            }
        }
    }
    for file in &mut files {
        file.bots.dedup();
    }
    files
}

/// Reads the last lines of a file, from at most this many bytes; none if it does not exist.
fn file_lines(file: &LogFileOf<'_>, share: u64) -> std::io::Result<Vec<LogLine>> {
    let extent = file.source.index.as_ref().map(|(_, extent)| *extent);
    let Some(end) = last_bytes(&file.source.path, share, extent)? else { return Ok(Vec::new()) };
    let index = file.source.index.as_ref().filter(|_| end.is_expected).map(|(index, _)| index);
    // A line of unknown time is older than all that were noted, or else as old as the file at least.
    let undated = index.and_then(OffsetIndex::begin).unwrap_or_else(|| end.modified.map_or(0, in_ms));
    let mut offset = end.offset;
    let text = end.text.strip_suffix(b"\n").unwrap_or(&end.text);
    if text.is_empty() && end.text.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for bytes in text.split(|byte| *byte == b'\n') {
        let known = index.and_then(|index| index.find(offset));
        offset += bytes.len() as u64 + 1;
        let writer = known.and_then(|(_, writer)| writer);
        if writer.is_some_and(|writer| !file.bots.contains(&writer)) {
            continue;
        }
        let own = file.bots.first().filter(|_| file.bots.len() == 1).copied();
        let stamp = known.map(|(stamp, _)| stamp);
        let written = if file.source.has_timestamps { timestamp(bytes) } else { None };
        let time = written.or(stamp.map(|stamp| stamp.time));
        lines.push(LogLine {
            time,
            stream: stamp.and_then(|stamp| stamp.stream).or(file.stream),
            run: stamp.map(|stamp| stamp.run),
            bot: writer.or(own).cloned(),
            bytes: bytes.into(),
            stamp_length: written.map_or(0, |_| TIMESTAMP_BYTES),
            order: time.unwrap_or(undated),
        });
    }
    Ok(lines)
}

/// Returns the time at the beginning of a line, in milliseconds since 1970.
fn timestamp(line: &[u8]) -> Option<u64> {
    let text = line.get(..TIMESTAMP_BYTES)?.strip_suffix(b" ")?;
    humantime::parse_rfc3339(std::str::from_utf8(text).ok()?).ok().map(in_ms)
}

#[cfg(test)]
mod tests;
