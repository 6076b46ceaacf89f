//! Writes one log file: appends lines, rotates the file at its maximum size, and retries later when it cannot be written.
//!
//! A full disk or a missing directory never blocks the monitor: what cannot be written is counted, and the count is noted in the log.

use super::LogPath;
use super::line_stamp::LineStamp;
use super::log_indexes::{LogFileState, LogIndexes};
use super::timestamp::stamped;
use crate::bot::Log;
use crate::error::cause;
use memchr::memchr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a file that cannot be opened is retried, and a removed file is detected.
const REOPEN_INTERVAL: Duration = Duration::from_secs(1);

/// An open log file, with the bytes that could not be written to it.
#[derive(Debug)]
pub(crate) struct LogFile {
    /// Its path is in `place`.
    log: Log,
    path: LogPath,
    file: Option<Arc<File>>,
    /// The size of the file in bytes, as far as this process knows.
    size: u64,
    /// The rest of a line whose beginning is already in the file.
    partial_line: Vec<u8>,
    /// The number of bytes that were lost.
    dropped: u64,
    /// The lost bytes that the log does not mention yet.
    unreported_bytes: u64,
    /// Why nothing can be written now; `None` if the log works.
    last_error: Option<String>,
    /// When the file was looked at last.
    last_check: Option<Instant>,
    indexes: LogIndexes,
}

impl LogFile {
    /// Creates the log of a bot or of the monitor. The file is opened at the first write.
    pub(crate) fn new(log: &Log, path: LogPath) -> LogFile {
        let log = Log { path: PathBuf::new(), ..*log };
        LogFile {
            log,
            path,
            file: None,
            size: 0,
            partial_line: Vec::new(),
            dropped: 0,
            unreported_bytes: 0,
            last_error: None,
            last_check: None,
            indexes: LogIndexes::default(),
        }
    }

    /// Applies new settings of the same file.
    pub(crate) fn configure(&mut self, log: &Log, path: LogPath) {
        self.path = path;
        self.log = Log { path: PathBuf::new(), ..*log };
    }

    /// Returns the number of lost bytes, and why further ones would be lost now.
    pub(crate) fn lost(&self) -> (u64, Option<&str>) {
        (self.dropped, self.last_error.as_deref())
    }

    /// Writes whole lines, or counts them as lost. `source` is what is known of them, and the name of their bot.
    pub(crate) fn write(&mut self, lines: &[u8], now: Instant, source: Option<(LineStamp, &str)>) {
        if lines.is_empty() {
            return;
        }
        self.open_if_needed(now);
        if self.file.is_none() {
            return self.count_lost(lines.len());
        }
        if self.log.max_size > 0 && self.size + lines.len() as u64 > self.log.max_size {
            // The rest of a line belongs to the old file. On a full disk it is dropped, since the rotation is what frees space.
            if !self.write_partial_line() {
                self.drop_partial_line();
            }
            self.rotate();
        }
        let before = self.size;
        if self.log.timestamps {
            let stamped = stamped(lines);
            self.write_lines(&stamped);
        } else {
            self.write_lines(lines);
        }
        if let Some((stamp, bot)) = source {
            self.indexes.mark(self.file.as_ref(), self.size - before, stamp, bot);
        }
    }

    /// Returns what is known of the lines of the log and of its rotated files.
    pub(crate) fn state(&self) -> LogFileState {
        self.indexes.state(self.file.as_ref())
    }

    /// Reopens the file by its path, as after an external rotation. Keeps the old descriptor if that fails.
    pub(crate) fn reopen(&mut self) {
        match self.path.open() {
            Ok(opened) => {
                // The beginning of the line is in the old file.
                self.drop_partial_line();
                self.switch_to(opened);
            }
            Err(error) if self.file.is_some() => {
                log::warn!("failed to open `{}` again: {}", self.path.path().display(), cause(&error));
            }
            Err(_) => {}
        }
    }

    /// Opens the file if it is not open or was removed; checks at most every [`REOPEN_INTERVAL`].
    pub(crate) fn open_if_needed(&mut self, now: Instant) {
        if self.last_check.is_some_and(|last_check| now.saturating_duration_since(last_check) < REOPEN_INTERVAL) {
            return;
        }
        self.last_check = Some(now);
        let removed = self.file.as_ref().is_some_and(|file| file.metadata().is_ok_and(|now| now.nlink() == 0));
        if self.file.is_some() && !removed {
            return;
        }
        self.drop_partial_line();
        match self.path.open() {
            Ok(opened) => self.switch_to(opened),
            Err(error) => {
                self.file = None;
                self.record_error("open", &error);
            }
        }
    }

    /// Writes to the given file from now on.
    fn switch_to(&mut self, (file, size): (File, u64)) {
        let was_open = self.file.is_some();
        self.indexes.retire(self.file.as_ref());
        (self.file, self.size) = (Some(file.into()), size);
        // A log that was open may still fail: only the next write shows whether it has recovered.
        if !was_open {
            self.recovered();
        }
    }

    fn recovered(&mut self) {
        if self.last_error.take().is_some() {
            log::info!("`{}` can be written again", self.path.path().display());
        }
    }

    /// Writes the rest of the last line, the note of lost bytes and then the lines, until one of them fails.
    fn write_lines(&mut self, lines: &[u8]) {
        if !(self.write_partial_line() && self.write_loss_note()) {
            return self.count_lost(lines.len());
        }
        let (written, error) = self.append(lines);
        match error {
            None => self.recovered(),
            Some(error) => {
                self.record_error("write", &error);
                let rest = &lines[written..];
                let is_begun = written > 0 && lines[written - 1] != b'\n';
                let line = if is_begun { memchr(b'\n', rest).map_or(rest.len(), |end| end + 1) } else { 0 };
                self.partial_line = rest[..line].to_vec();
                self.count_lost(rest.len() - line);
            }
        }
    }

    /// Writes the rest of the partial line. Returns `true` if nothing of it is left.
    fn write_partial_line(&mut self) -> bool {
        if self.partial_line.is_empty() {
            return true;
        }
        let partial_line = std::mem::take(&mut self.partial_line);
        let (written, error) = self.append(&partial_line);
        self.partial_line = partial_line[written..].to_vec();
        self.note_result(error)
    }

    /// Writes a note of the lost bytes into the log. Returns `true` if the note is written, or none is needed.
    fn write_loss_note(&mut self) -> bool {
        if self.unreported_bytes == 0 {
            return true;
        }
        let line = format!("[{} bytes of output were lost here]\n", self.unreported_bytes);
        let (written, error) = self.append(line.as_bytes());
        if written > 0 {
            self.unreported_bytes = 0;
            self.partial_line = line.as_bytes()[written..].to_vec();
        }
        self.note_result(error)
    }

    fn note_result(&mut self, error: Option<io::Error>) -> bool {
        error.map(|error| self.record_error("write", &error)).is_none()
    }

    /// Appends bytes. Returns how many were written, and the error that stopped the write.
    fn append(&mut self, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let Some(mut file) = self.file.as_deref() else { return (0, Some(io::Error::other("it is not open"))) };
        let mut written = 0;
        let mut failure = None;
        while written < bytes.len() && failure.is_none() {
            match file.write(&bytes[written..]) {
                Ok(0) => failure = Some(io::Error::other("no byte was accepted")),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failure = Some(error),
            }
        }
        self.size += written as u64;
        (written, failure)
    }

    /// Rotates the file: renames it to `PATH.1`, `PATH.1` to `PATH.2` and so on, and opens a new one.
    fn rotate(&mut self) {
        // Another program, such as logrotate with `copytruncate`, may have truncated the file.
        let size = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(self.size, |now| now.len());
        let grown = self.size.saturating_sub(size);
        self.size = size;
        if size == 0 || grown > 0 {
            return;
        }
        let begin = |path: &LogPath| {
            let directory = path.directory()?;
            directory.rotate(self.log.keep)?;
            directory.open()
        };
        match begin(&self.path) {
            Ok((file, size)) => {
                self.indexes.retire(self.file.as_ref());
                (self.file, self.size) = (Some(file.into()), size);
            }
            Err(error) => {
                // The file keeps growing. The rotation is retried when it has grown by `max_size` again.
                log::warn!("failed to rotate `{}`: {}", self.path.path().display(), cause(&error));
                self.size = 0;
            }
        }
    }

    fn count_lost(&mut self, count: usize) {
        self.dropped += count as u64;
        self.unreported_bytes += count as u64;
    }

    fn drop_partial_line(&mut self) {
        let partial_line = std::mem::take(&mut self.partial_line);
        self.count_lost(partial_line.len());
    }

    /// Stores why the log cannot be written, and logs each new cause once.
    fn record_error(&mut self, verb: &str, error: &io::Error) {
        let text = format!("failed to {verb} `{}`: {}", self.path.path().display(), cause(error));
        if self.last_error.as_ref() != Some(&text) {
            log::warn!("{text}");
            self.last_error = Some(text);
        }
    }
}

#[cfg(test)]
mod tests;
