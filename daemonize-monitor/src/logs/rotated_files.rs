//! Opens a log and the files that it was rotated to, for reading: `web.log`, `web.log.1` and so on, the newest first.
//!
//! The monitor may rotate them meanwhile, and a bot's own user may put anything in their places. So each one is opened with the rules
//! for the log itself, and is distinguished from the others by its inode.

use super::log_indexes::{FileExtent, WrittenFile};
use super::log_path::{LogDirectory, LogPath};
use crate::error::cause;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

/// The maximum number of rotated files that are opened.
const MAX_ROTATED_FILES: u32 = 64;

/// How often the files are opened anew because they were rotated twice meanwhile.
const MAX_TRIES: usize = 16;

/// An open log file.
pub(super) struct OpenLogFile {
    pub(super) file: File,
    pub(super) extent: FileExtent,
    pub(super) modified: Option<SystemTime>,
    /// 0 for the log, 1 for `PATH.1`.
    number: u32,
}

/// The files that are older than another one.
#[derive(Default)]
pub(super) struct OlderFiles {
    /// The newest one first.
    pub(super) files: Vec<OpenLogFile>,
    /// `true` if there may be more.
    pub(super) is_cut: bool,
    /// Why files are left out, with their names.
    pub(super) refused: Vec<String>,
}

/// A log and its rotated files.
pub(super) struct LogFiles<'a> {
    directory: LogDirectory<'a>,
    path: &'a LogPath,
    /// The number of rotated files that the monitor keeps; other programs may keep more.
    keep: u32,
}

impl LogPath {
    /// Opens the directory of a log and its rotated files; `None` if it does not exist.
    pub(super) fn files(&self, keep: u32) -> io::Result<Option<LogFiles<'_>>> {
        Ok(self.directory_to_read()?.map(|directory| LogFiles { directory, path: self, keep }))
    }
}

impl LogFiles<'_> {
    /// Opens the file that the monitor wrote when its state was copied; without that the log. `None` if it does not exist.
    pub(super) fn newest(&self, written: Option<&WrittenFile>) -> io::Result<Option<OpenLogFile>> {
        let log = self.open(0)?;
        let Some(WrittenFile { extent, file }) = written else { return Ok(log) };
        if log.as_ref().is_some_and(|log| log.extent.id == extent.id) {
            return Ok(log);
        }
        // It was rotated. What is in newer files was written later.
        let is_removed = file.metadata().is_ok_and(|status| status.nlink() == 0);
        let all = if is_removed { OlderFiles::default() } else { self.walk() };
        Ok(all.files.into_iter().find(|file| file.extent.id == extent.id))
    }

    /// Opens the files that are older than this one; all rotated files without it.
    pub(super) fn older_than(&self, newer: Option<&OpenLogFile>) -> OlderFiles {
        let Some(newer) = newer else {
            let mut all = self.walk();
            all.files.retain(|file| file.number > 0);
            return all;
        };
        for _ in 0..MAX_TRIES {
            let mut all = self.walk();
            let place = all.files.iter().position(|file| file.extent.id == newer.extent.id);
            // It was removed, as all that are older.
            let Some(place) = place else { return OlderFiles::default() };
            let number = all.files[place].number;
            // With each rotation the files move on by one name. If it was one at most, no newer file was seen after an older one.
            if [number, number + 1].into_iter().any(|number| self.is_at(newer, number)) {
                all.files.drain(..=place);
                return all;
            }
        }
        OlderFiles { is_cut: true, ..OlderFiles::default() }
    }

    /// Opens all files, each once. None is left out that only moves on by a rotation.
    fn walk(&self) -> OlderFiles {
        let mut all = OlderFiles::default();
        for number in 0..=MAX_ROTATED_FILES {
            match self.open(number) {
                Ok(Some(file)) if all.files.iter().any(|seen| seen.extent.id == file.extent.id) => {}
                Ok(Some(file)) => all.files.push(file),
                // In the middle of a rotation a name is missing.
                Ok(None) if number >= self.keep => return all,
                Ok(None) => {}
                Err(error) => all.refused.push(format!("`{}`: {}", self.display(number), cause(&error))),
            }
        }
        all.is_cut = true;
        all
    }

    fn open(&self, number: u32) -> io::Result<Option<OpenLogFile>> {
        let Some(file) = self.directory.open_to_read(&self.name(number))? else { return Ok(None) };
        let status = file.metadata()?;
        let extent = FileExtent { id: (status.dev(), status.ino()), length: status.len() };
        Ok(Some(OpenLogFile { file, extent, modified: status.modified().ok(), number }))
    }

    fn is_at(&self, file: &OpenLogFile, number: u32) -> bool {
        let named = fstatat(&self.directory.directory.fd, &*self.name(number), AtFlags::AT_SYMLINK_NOFOLLOW);
        #[allow(clippy::useless_conversion)] // Of 32 bits on machines of 32 bits.
        named.is_ok_and(|named| (named.st_dev.into(), named.st_ino.into()) == file.extent.id)
    }

    fn name(&self, number: u32) -> Cow<'_, OsStr> {
        match number {
            0 => Cow::Borrowed(self.directory.name),
            _ => Cow::Owned(self.directory.rotated_name(number)),
        }
    }

    fn display(&self, number: u32) -> String {
        let path = self.path.path().display();
        if number == 0 { path.to_string() } else { format!("{path}.{number}") }
    }
}
