//! One log file: appended to, put aside when it is large, and never the reason that anything else stops.

use super::LogPath;
use crate::bot::Log;
use crate::error::cause;
use memchr::memchr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often a file that cannot be opened is tried again, and one that was removed is noticed.
const REOPEN_INTERVAL: Duration = Duration::from_secs(1);

/// A log file and what has become of what was to be in it.
#[derive(Debug)]
pub(crate) struct LogFile {
    /// Its path is in `place`.
    log: Log,
    path: LogPath,
    file: Option<File>,
    /// How much is in the file, as far as we know.
    size: u64,
    /// The rest of a line of which the beginning is in the file.
    partial_line: Vec<u8>,
    /// Bytes that found no place.
    dropped: u64,
    /// Those of them that the log itself does not tell of yet.
    unreported_bytes: u64,
    /// Why nothing can be written now.
    last_error: Option<String>,
    /// When the file was looked at last.
    last_check: Option<Instant>,
}

impl LogFile {
    /// A log of a bot, or of the monitor itself.
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
        }
    }

    /// What the configuration says now, of the same file.
    pub(crate) fn configure(&mut self, log: &Log, path: LogPath) {
        self.path = path;
        self.log = Log { path: PathBuf::new(), ..*log };
    }

    /// How many bytes were lost, and why some would be now.
    pub(crate) fn lost(&self) -> (u64, Option<&str>) {
        (self.dropped, self.last_error.as_deref())
    }

    /// Writes whole lines, or counts them as lost.
    pub(crate) fn write(&mut self, lines: &[u8], now: Instant) {
        if lines.is_empty() {
            return;
        }
        self.open_if_needed(now);
        if self.file.is_none() {
            return self.count_lost(lines.len());
        }
        if self.log.max_size > 0 && self.size + lines.len() as u64 > self.log.max_size {
            // It belongs to this file; but on a full disk, putting that aside is what makes room.
            if !self.write_partial_line() {
                self.drop_partial_line();
            }
            self.rotate();
        }
        if self.log.timestamps {
            let stamped = stamped(lines);
            self.write_lines(&stamped);
        } else {
            self.write_lines(lines);
        }
    }

    /// Opens the file again under its name; keeps the old one when that fails.
    pub(crate) fn reopen(&mut self) {
        match self.path.open() {
            Ok(opened) => {
                // The beginning is in the other file.
                self.drop_partial_line();
                self.switch_to(opened);
            }
            Err(error) if self.file.is_some() => {
                log::warn!("failed to open `{}` again: {}", self.path.path().display(), cause(&error));
            }
            Err(_) => {}
        }
    }

    /// Opens the file if it is not, or was removed; not more often than it can matter.
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

    /// Writes to this file from now on.
    fn switch_to(&mut self, (file, size): (File, u64)) {
        let was_open = self.file.is_some();
        (self.file, self.size) = (Some(file), size);
        // The next line finds out whether a log that was open can be written.
        if !was_open {
            self.recovered();
        }
    }

    fn recovered(&mut self) {
        if self.last_error.take().is_some() {
            log::info!("`{}` can be written again", self.path.path().display());
        }
    }

    /// What is owed, what is to be told, and then the lines: until one of them fails.
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

    /// Writes the rest of the line that was begun; whether all of it is written.
    fn write_partial_line(&mut self) -> bool {
        if self.partial_line.is_empty() {
            return true;
        }
        let partial_line = std::mem::take(&mut self.partial_line);
        let (written, error) = self.append(&partial_line);
        self.partial_line = partial_line[written..].to_vec();
        self.note_result(error)
    }

    /// Says in the log how much is missing in it; whether that could be said.
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

    /// Writes as much as can be written; how much that was, and why not all.
    fn append(&mut self, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let Some(file) = &mut self.file else { return (0, Some(io::Error::other("it is not open"))) };
        let mut written = 0;
        let mut failure = None;
        while written < bytes.len() && failure.is_none() {
            match file.write(&bytes[written..]) {
                Ok(0) => failure = Some(io::Error::other("nothing is taken")),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failure = Some(error),
            }
        }
        self.size += written as u64;
        (written, failure)
    }

    /// Renames the file to `PATH.1`, that one to `PATH.2` and so on, and begins a new one.
    fn rotate(&mut self) {
        // Something else may have cut it off.
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
            Ok((file, size)) => (self.file, self.size) = (Some(file), size),
            Err(error) => {
                // It goes on growing; not tried again before it has grown as much once more.
                log::warn!("failed to begin `{}` anew: {}", self.path.path().display(), cause(&error));
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

    /// Remembers why it cannot be written, and says so once.
    fn record_error(&mut self, verb: &str, error: &io::Error) {
        let text = format!("failed to {verb} `{}`: {}", self.path.path().display(), cause(error));
        if self.last_error.as_ref() != Some(&text) {
            log::warn!("{text}");
            self.last_error = Some(text);
        }
    }
}

/// Puts the time before each line, in UTC and to the millisecond.
fn stamped(lines: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let stamp = time(now);
    let mut out = Vec::with_capacity(lines.len() * 2);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(stamp.as_bytes());
        out.push(b' ');
        out.extend_from_slice(line);
    }
    out
}

/// The last millisecond that RFC 3339 can write: the year 9999 ends.
const END_OF_CALENDAR: Duration = Duration::from_millis(253_402_300_799_999);

/// Returns a time as `2026-01-31T23:59:59.999Z`.
pub(crate) fn time(since_1970: Duration) -> String {
    // Printing a later time is an error, and so a panic.
    let printable = since_1970.min(END_OF_CALENDAR);
    humantime::format_rfc3339_millis(UNIX_EPOCH + printable).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// A log of ten bytes, of which one file is kept, and what is in a file beside it.
    fn ten_byte_log(directory: &Path) -> (LogFile, impl Fn(&str) -> String + use<'_>) {
        let mut log = Log::new(directory.join("web.log"));
        (log.max_size, log.keep) = (10, 1);
        let log = LogFile::new(&log, LogPath::new(&log.path, None));
        (log, |name: &str| fs::read_to_string(directory.join(name)).unwrap())
    }

    /// As it is when the old file was renamed, and then no descriptor was left for a new one.
    #[test]
    fn a_log_that_was_put_aside_but_not_begun_anew_is_begun_the_next_time() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, read) = ten_byte_log(directory.path());
        let now = Instant::now();
        log.write(b"one\n", now);
        fs::rename(directory.path().join("web.log"), directory.path().join("web.log.1")).unwrap();
        log.write(b"two\n", now);
        log.write(b"three\n", now);
        assert_eq!((read("web.log.1"), read("web.log")), ("one\ntwo\n".into(), "three\n".into()));
    }

    /// A line was begun when the disk was full.
    #[test]
    fn a_line_that_was_begun_is_ended_before_the_log_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, read) = ten_byte_log(directory.path());
        let now = Instant::now();
        log.write(b"one two", now);
        log.partial_line = b" three\n".to_vec();
        log.write(b"four\n", now);
        assert_eq!((read("web.log.1"), read("web.log")), ("one two three\n".into(), "four\n".into()));
    }

    #[test]
    fn time_is_printed_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (1_709_251_199, "2024-02-29T23:59:59.007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
            (253_402_300_799, "9999-12-31T23:59:59.007Z"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds) + Duration::from_millis(7)), text);
        }
        assert_eq!(time(Duration::from_secs(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }
}
