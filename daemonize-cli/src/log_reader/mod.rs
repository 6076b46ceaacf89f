//! Reads the log of a daemon: its last lines, across files that were rotated, and new lines as they are written.
//!
//! The log is written by the daemon's user, who may be hostile to root that reads it: each file is opened without following a link, and accepted
//! only as a regular file with one name of root, of this user or of the daemon's. Files are read in blocks, backwards for the last lines. On a terminal
//! escape sequences are removed, and other control characters shown.

mod copy;
mod follow;
mod log_files;
mod printer;
mod read;
mod tail;

pub(crate) use log_files::LogFiles;
pub(crate) use printer::Printer;
pub(crate) use read::ReadFailure;

use crate::options::LineCount;
use copy::copy;
use follow::{Followed, Watch};
use read::{BLOCK_LENGTH, length};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Prints the last lines, and with `follow` the lines to come. Returns `false` if there is no log and it is not to be followed.
///
/// # Errors
/// A file cannot be opened or read, or stdout cannot be written.
pub(crate) fn print_log(
    files: &LogFiles,
    lines: LineCount,
    follow: bool,
    printer: &mut Printer,
) -> Result<bool, ReadFailure> {
    let watch = if follow { Some(Watch::new(files)?) } else { None };
    let mut current = Followed::open(files)?;
    if let Some(Followed { file, position, .. }) = &mut current {
        *position = length(file)?;
        print_last(files, file, *position, lines, printer)?;
    }
    match watch {
        Some(watch) => follow::follow(files, current, &watch, printer).map(|()| true),
        None => printer.finish().map(|()| current.is_some()),
    }
}

/// Prints the last lines of a file that ends at `end`, and of the files that were rotated before it.
fn print_last(
    files: &LogFiles,
    current: &File,
    end: u64,
    lines: LineCount,
    printer: &mut Printer,
) -> Result<(), ReadFailure> {
    let mut parts = Vec::new();
    let found = tail::start_of_last(current, end, lines)?;
    let mut missing = found.missing;
    parts.push((None, found.start, end));
    let mut older = files.rotated();
    while missing != LineCount::Last(0) {
        // The current file may have been rotated since it was opened.
        let Some(file) = older.next_except(current)? else { break };
        let end = length(&file)?;
        let found = tail::start_of_last(&file, end, missing)?;
        missing = found.missing;
        parts.push((Some(file), found.start, end));
    }
    for (file, start, end) in parts.iter().rev() {
        copy(file.as_ref().unwrap_or(current), *start, *end, printer)?;
    }
    Ok(())
}

/// Returns the last lines of a log that were written after `mark`, at most `lines`, for the report of a failed start.
pub(crate) fn lines_since(files: &LogFiles, mark: Option<LogMark>, lines: usize) -> Vec<u8> {
    let Ok(Some(file)) = files.open() else { return Vec::new() };
    let Ok(end) = length(&file) else { return Vec::new() };
    let from = mark.filter(|mark| Some(mark.id) == log_files::identity(&file)).map_or(0, |mark| mark.length);
    // No more is read: a line without an end could be as long as the file.
    let start = from.max(end.saturating_sub(BLOCK_LENGTH));
    let mut text = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or_default()];
    let read = file.read_at(&mut text, start).unwrap_or_default();
    text.truncate(read);
    let ends = text.iter().enumerate().rev().filter(|(index, byte)| **byte == b'\n' && index + 1 < read);
    let first = ends.map(|(index, _)| index + 1).nth(lines.saturating_sub(1)).unwrap_or_default();
    text.split_off(first)
}

/// The end of a log at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogMark {
    id: daemonize_sys::trust::FileId,
    length: u64,
}

impl LogMark {
    /// Returns the end of the log now; `None` if there is no log.
    pub(crate) fn now(files: &LogFiles) -> Option<LogMark> {
        let file = files.open().ok()??;
        Some(LogMark { id: log_files::identity(&file)?, length: length(&file).ok()? })
    }
}
