//! The file of a log with timestamps: written and rotated by one thread.

use super::managed::{Bounds, LogTarget};
use super::report::FailureReport;
use super::rotation::{LockWait, Rotation, rotate};
use super::stamps::Stamper;
use crate::error::cause;
use nix::sys::stat::fstat;
use nix::unistd::write;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// How far a line may exceed the maximum size of the file, in bytes, before it is split between two files.
const LINE_EXCESS: u64 = 64 * 1024;

/// An open log file, with the bytes that could not be written to it.
#[derive(Debug)]
pub(super) struct StampedFile {
    path: PathBuf,
    bounds: Option<Bounds>,
    file: Arc<OwnedFd>,
    /// The size in bytes at which the next rotation is due: the maximum, or more after one that failed.
    due: u64,
    lock_wait: LockWait,
    stamper: Stamper,
    /// `true` if the file ends within a line.
    is_within_line: bool,
    /// The lost bytes that the log does not mention yet.
    lost: u64,
    report: FailureReport,
    buffer: Vec<u8>,
}

impl StampedFile {
    pub(super) fn new(log: LogTarget) -> StampedFile {
        let LogTarget { path, file, bounds, .. } = log;
        let due = bounds.map_or(u64::MAX, |bounds| bounds.max_size);
        let (stamper, report, buffer) = (Stamper::new(), FailureReport::default(), Vec::new());
        StampedFile {
            path,
            bounds,
            file,
            due,
            lock_wait: LockWait::default(),
            stamper,
            is_within_line: false,
            lost: 0,
            report,
            buffer,
        }
    }

    pub(super) fn file(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.file)
    }

    /// Uses this file from now on.
    pub(super) fn replace(&mut self, file: Arc<OwnedFd>) {
        self.file = file;
        self.lock_wait.end();
        self.due = self.bounds.map_or(u64::MAX, |bounds| bounds.max_size);
        if self.lost == 0 {
            self.report.succeeded();
        }
    }

    /// Writes bytes, with the time before each line that begins in them, or counts them as lost.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        if self.lost > 0 {
            self.stamper.at_line_start = true;
        }
        self.stamper.stamp(bytes, SystemTime::now(), &mut buffer);
        let mut rest = &buffer[..];
        while !rest.is_empty() {
            let (part, later) = rest.split_at(self.fitting(rest));
            self.append(part);
            rest = later;
        }
        self.buffer = buffer;
    }

    /// Writes bytes with timestamps, without a rotation and without a report of an error.
    pub(super) fn write_captured(&mut self, bytes: &[u8]) {
        let mut stamped = Vec::new();
        self.stamper.stamp(bytes, SystemTime::now(), &mut stamped);
        let mut rest = &stamped[..];
        while let Ok(count @ 1..) = write(&*self.file, rest) {
            rest = &rest[count..];
        }
    }

    /// Returns how many of the bytes belong into this file, after a rotation if one is due: whole lines up to the maximum size, at
    /// least one.
    fn fitting(&mut self, bytes: &[u8]) -> usize {
        let Some(bounds) = self.bounds else { return bytes.len() };
        let Ok(status) = fstat(&*self.file) else { return bytes.len() };
        let size = u64::try_from(status.st_size).unwrap_or(0);
        if status.st_nlink == 0 && self.due <= bounds.max_size {
            // A file that was removed is replaced at once, unless that has failed.
            self.rotate(bounds, size);
            return bytes.len();
        }
        let room = usize::try_from(self.due.saturating_sub(size)).unwrap_or(usize::MAX);
        if bytes.len() <= room {
            return bytes.len();
        }
        if let Some(end) = bytes[..room.min(bytes.len())].iter().rposition(|byte| *byte == b'\n') {
            return end + 1;
        }
        let line = bytes.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        if self.is_within_line && (line.is_some() || size < self.due.saturating_add(LINE_EXCESS)) {
            // The rest of a line whose beginning is in this file.
            return line.unwrap_or(bytes.len());
        }
        if size > 0 {
            self.rotate(bounds, size);
        }
        // A line that is longer than a file is not split if it is read at once.
        line.unwrap_or(bytes.len())
    }

    fn rotate(&mut self, bounds: Bounds, size: u64) {
        // The next write exceeds the maximum, which the file alone may not do yet.
        let due = Bounds { max_size: size.saturating_sub(1).min(bounds.max_size), ..bounds };
        let why = match rotate(&self.path, due, &self.file) {
            Ok(Rotation::Opened(file)) => return self.replace(Arc::new(file)),
            Ok(Rotation::NotDue) => return self.due = bounds.max_size,
            Ok(Rotation::Locked) if !self.lock_wait.is_over() => return,
            Ok(Rotation::Locked) => "another process keeps it locked (flock)".to_owned(),
            Err(why) => why,
        };
        self.due = size.saturating_add(bounds.max_size);
        self.lock_wait.end();
        self.report.failed(format!("failed to rotate the log `{}`: {why}; it grows on", self.path.display()));
    }

    /// Appends bytes, after a note of those that were lost before.
    fn append(&mut self, bytes: &[u8]) {
        if self.lost > 0 {
            let end = if self.is_within_line { "\n" } else { "" };
            let note = format!("{end}[{} bytes of output were lost here]\n", self.lost);
            if self.write_all(note.as_bytes()) < note.len() {
                self.lost += bytes.len() as u64;
                return;
            }
            self.lost = 0;
            self.report.succeeded();
        }
        let written = self.write_all(bytes);
        self.lost += (bytes.len() - written) as u64;
    }

    /// Writes until an error. Returns the number of bytes that were written.
    fn write_all(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match write(&*self.file, &bytes[written..]) {
                Ok(count) if count > 0 => {
                    written += count;
                    self.is_within_line = bytes[written - 1] != b'\n';
                }
                Err(nix::Error::EINTR) => {}
                Ok(_) => break,
                Err(errno) => {
                    let why = cause(&errno.into());
                    let text = format!("failed to write the log `{}`: {why}; output is lost", self.path.display());
                    self.report.failed(text);
                    break;
                }
            }
        }
        written
    }
}
