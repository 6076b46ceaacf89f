//! Reads the last lines of a log from its file and from the files that it was rotated to, the newest line first, and dates them.

use super::bot_log::LogSource;
use super::line_search::{LineFacts, LineSearch, LogLine, Truncation};
use super::line_stamp::{OutputStream, in_ms};
use super::offset_index::OffsetIndex;
use super::rotated_files::OpenLogFile;
use super::tail::block_before;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The least and the largest block that is read of a file at once. The least one has room for the longest line of the monitor.
const BLOCK_BYTES: (u64, u64) = (32 << 10, 256 << 10);

/// The length of a time at the beginning of a line, with the space after it.
const TIMESTAMP_BYTES: usize = "2026-01-31T23:59:59.999Z ".len();

/// By how much the time of the last change of a file may be behind that of its last line.
const CHANGE_DELAY: Duration = Duration::from_secs(1);

/// A log, with the bots whose log it is among those that are asked for.
pub(super) struct LogFileOf<'a> {
    pub(super) source: &'a LogSource,
    pub(super) bots: Vec<&'a Arc<str>>,
    pub(super) stream: Option<OutputStream>,
}

/// The limits of the lines of one log, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLimits {
    /// How much of its files is read.
    pub(super) read: u64,
    /// How much is kept of what was found.
    pub(super) kept: u64,
}

/// Reads the last lines of a log that are wanted, the oldest first; none if it does not exist.
pub(super) fn file_lines(
    log: &LogFileOf<'_>,
    limits: LogLimits,
    search: &mut LineSearch<'_>,
) -> io::Result<Vec<LogLine>> {
    let Some(files) = log.source.path.files(log.source.keep)? else { return Ok(Vec::new()) };
    let mut reader = FileReader { log, limits, search, lines: Vec::new(), undated: u64::MAX };
    let written = log.source.state.written.as_ref();
    let newest = files.newest(written)?;
    let goes_on = match &newest {
        Some(newest) => reader.read_file(newest)?,
        // A log that is gone meanwhile had no older files that are still there.
        None => written.is_none(),
    };
    if goes_on {
        let older = files.older_than(newest.as_ref());
        reader.read_older(&older.files, older.is_cut)?;
        reader.search.skip(older.refused);
    }
    let mut lines = reader.lines;
    lines.reverse();
    Ok(lines)
}

/// The reader of one log.
struct FileReader<'a, 'b, 'q> {
    log: &'a LogFileOf<'a>,
    /// The rest of the limits.
    limits: LogLimits,
    search: &'b mut LineSearch<'q>,
    /// The newest line first.
    lines: Vec<LogLine>,
    /// The time by which lines of unknown time are merged, at most that of newer files.
    undated: u64,
}

impl FileReader<'_, '_, '_> {
    /// Reads the files before the newest one.
    fn read_older(&mut self, files: &[OpenLogFile], is_cut: bool) -> io::Result<()> {
        for file in files {
            if self.is_at_limit() {
                self.search.truncate(Truncation::Size);
                return Ok(());
            }
            if !self.read_file(file)? {
                return Ok(());
            }
        }
        if is_cut {
            self.search.truncate(Truncation::Size);
        }
        Ok(())
    }

    /// Reads a file from its end. Returns `true` if lines of older files are wanted.
    fn read_file(&mut self, file: &OpenLogFile) -> io::Result<bool> {
        let known = self.log.source.state.known.iter().find(|(known, _)| known.id == file.extent.id);
        let known = known.filter(|(known, _)| known.length <= file.extent.length);
        let index = known.map(|(_, index)| index);
        // Later lines are not wanted: a follower is sent them.
        let mut end = known.map_or(file.extent, |(extent, _)| *extent).length;
        if index.is_none() && !self.log.source.has_timestamps && self.is_too_old(file.modified) {
            return Ok(false);
        }
        // A line of unknown time is older than all that were noted, or else as old as the file at least.
        let begin = index.and_then(OffsetIndex::begin).unwrap_or_else(|| file.modified.map_or(0, in_ms));
        self.undated = self.undated.min(begin);
        let size = self.limits.kept.clamp(BLOCK_BYTES.0, BLOCK_BYTES.1);
        while end > 0 {
            if self.has_enough() {
                return Ok(false);
            }
            if self.is_at_limit() {
                self.search.truncate(Truncation::Size);
                return Ok(false);
            }
            let block = block_before(&file.file, end, size)?;
            self.limits.read = self.limits.read.saturating_sub(end - block.offset);
            end = block.offset;
            if !self.read_block(&block.text, block.offset, index) {
                return Ok(false);
            }
        }
        Ok(!self.has_enough())
    }

    /// Takes the lines of a block, the last one first. Returns `true` if older ones are wanted.
    fn read_block(&mut self, block: &[u8], offset: u64, index: Option<&OffsetIndex>) -> bool {
        if block.is_empty() {
            return true;
        }
        let text = block.strip_suffix(b"\n").unwrap_or(block);
        let mut begin = offset + text.len() as u64 + 1;
        let mut oldest = None;
        for bytes in text.rsplit(|byte| *byte == b'\n') {
            if self.has_enough() {
                return false;
            }
            begin -= bytes.len() as u64 + 1;
            let line = self.facts(bytes, begin, index);
            oldest = line.facts.time.or(oldest);
            if !line.is_foreign && self.search.takes(line.facts, &bytes[line.stamp_length..]) {
                self.limits.kept = self.limits.kept.saturating_sub(bytes.len() as u64 + 1);
                self.lines.push(self.line(bytes, &line));
            }
        }
        !self.search.is_before(oldest)
    }

    /// Returns what is known of the line at this offset.
    fn facts<'i>(&self, bytes: &[u8], offset: u64, index: Option<&'i OffsetIndex>) -> FileLine<'i> {
        let known = index.and_then(|index| index.find(offset));
        let stamp = known.map(|(stamp, _)| stamp);
        let writer = known.and_then(|(_, writer)| writer);
        let written = if self.log.source.has_timestamps { timestamp(bytes) } else { None };
        let time = written.or(stamp.map(|stamp| stamp.time));
        let stream = stamp.and_then(|stamp| stamp.stream).or(self.log.stream);
        FileLine {
            facts: LineFacts { time, stream, run: stamp.map(|stamp| stamp.run) },
            writer,
            is_foreign: writer.is_some_and(|writer| !self.log.bots.contains(&writer)),
            stamp_length: written.map_or(0, |_| TIMESTAMP_BYTES),
        }
    }

    fn line(&self, bytes: &[u8], line: &FileLine<'_>) -> LogLine {
        let own = self.log.bots.first().filter(|_| self.log.bots.len() == 1).copied();
        LogLine {
            facts: line.facts,
            bot: line.writer.or(own).cloned(),
            bytes: bytes.into(),
            stamp_length: line.stamp_length,
            order: line.facts.time.unwrap_or(self.undated),
        }
    }

    /// Returns `true` if enough lines were found, or the time of the search is over. Without a wanted line, those of unknown time are
    /// counted.
    fn has_enough(&self) -> bool {
        self.lines.len() >= self.search.count().max(1) || self.search.is_over()
    }

    fn is_at_limit(&self) -> bool {
        self.limits.read == 0 || self.limits.kept == 0
    }

    /// Returns `true` if a file of lines without times was changed last before the lines that are wanted.
    fn is_too_old(&self, modified: Option<SystemTime>) -> bool {
        let last = modified.and_then(|modified| modified.checked_add(CHANGE_DELAY));
        self.search.is_before(last.map(in_ms))
    }
}

/// A line in a file.
struct FileLine<'i> {
    facts: LineFacts,
    /// The bot that wrote it, if that is known.
    writer: Option<&'i Arc<str>>,
    /// `true` if that is none of those that are asked for.
    is_foreign: bool,
    stamp_length: usize,
}

/// Returns the time at the beginning of a line, in milliseconds since 1970.
fn timestamp(line: &[u8]) -> Option<u64> {
    let text = line.get(..TIMESTAMP_BYTES)?.strip_suffix(b" ")?;
    humantime::parse_rfc3339(std::str::from_utf8(text).ok()?).ok().map(in_ms)
}
