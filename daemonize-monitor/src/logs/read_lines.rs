//! Reads the last lines of several bots, from memory and from files, filters them, and merges them by time.
//!
//! Everything is bounded: the bytes that are read of files, the lines that are kept, and the time of a search.

use super::bot_log::BotLog;
use super::file_lines::{LogFileOf, LogLimits, file_lines};
use super::line_search::{FoundLines, LineFacts, LineSearch, LogLine, LogQuery};
use super::line_stamp::LineStamp;
use super::log_path::LogPath;
use crate::error::{Error, ErrorKind, Result, cause};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// How much of what was found in one log is kept.
const MAX_KEPT_BYTES: u64 = 1 << 20;
/// How much is kept of all logs together; each has its share.
const MAX_TOTAL_BYTES: u64 = 4 << 20;
/// The least share of a log.
const MIN_KEPT_BYTES: u64 = 4 << 10;
/// How much more is read of a log, as where few lines match.
const READ_FACTOR: u64 = 16;

/// Reads the last lines of bots, the oldest first.
///
/// # Errors
/// A log cannot be read.
pub(crate) fn read_lines(logs: &[BotLog], query: &LogQuery) -> Result<FoundLines> {
    let mut search = LineSearch::new(query);
    let files = files(logs);
    let share = MAX_TOTAL_BYTES / files.len().max(1) as u64;
    let kept = share.clamp(MIN_KEPT_BYTES, MAX_KEPT_BYTES);
    for log in logs {
        let lines = memory_lines(log).filter(|line| search.takes(line.facts, &line.bytes)).collect();
        search.add(lines);
    }
    for file in files {
        let limits = LogLimits { read: kept * READ_FACTOR, kept };
        let lines = file_lines(&file, limits, &mut search).map_err(|error| {
            Error::failed(ErrorKind::System, "read", file.source.path.path().display(), cause(&error))
        })?;
        search.add(lines);
    }
    Ok(search.finish())
}

fn memory_lines(log: &BotLog) -> impl Iterator<Item = LogLine> {
    log.ring.lines().map(|(bytes, LineStamp { time, run, stream })| LogLine {
        facts: LineFacts { time: Some(time), stream, run: Some(run) },
        bot: Some(Arc::clone(&log.bot)),
        bytes: bytes.into(),
        stamp_length: 0,
        order: time,
    })
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

#[cfg(test)]
mod tests;
