//! The files of a log: the current one, and those that were rotated.

use super::read::ReadFailure;
use daemonize_sys::trust::FileId;
use daemonize_sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use daemonize_sys::trust::log_file::open_to_read;
use nix::sys::stat::fstat;
use nix::unistd::Uid;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The most rotated files that a log has.
const MAX_ROTATED: u32 = 999;

/// A log at a path, in a directory that was judged.
#[derive(Debug)]
pub(crate) struct LogFiles {
    path: PathBuf,
    directory: Directory,
    name: OsString,
    user: Option<Uid>,
}

impl LogFiles {
    /// Opens the directory of a log that was written for `user`; `None` if there is no directory.
    ///
    /// # Errors
    /// The directory cannot be trusted.
    pub(crate) fn new(path: &Path, user: Option<Uid>) -> Result<Option<LogFiles>, ReadFailure> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ReadFailure::Open(format!("`{}`: it names no file", path.display())));
        };
        if !parent.exists() {
            return Ok(None);
        }
        let directory = open_directory(parent, DirectoryPolicy::Log(user)).map_err(ReadFailure::Open)?;
        Ok(Some(LogFiles { path: path.to_owned(), directory, name: name.to_owned(), user }))
    }

    /// Returns the path of the current file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the current file; `None` if there is none.
    pub(super) fn open(&self) -> Result<Option<File>, ReadFailure> {
        self.open_name(&self.name)
    }

    /// Opens a file that was rotated, 1 for the newest one.
    pub(super) fn open_rotated(&self, number: u32) -> Result<Option<File>, ReadFailure> {
        let mut name = self.name.clone();
        name.push(format!(".{number}"));
        self.open_name(&name)
    }

    /// Returns the files that were rotated, the newest one first.
    pub(super) fn rotated(&self) -> Rotated<'_> {
        Rotated { files: self, number: 0 }
    }

    fn open_name(&self, name: &OsString) -> Result<Option<File>, ReadFailure> {
        let failed = |why| ReadFailure::Open(format!("`{}`: {why}", self.path.with_file_name(name).display()));
        let file = open_to_read(&self.directory, name, self.user).map_err(failed)?;
        Ok(file.map(File::from))
    }
}

/// The files that were rotated, the newest one first.
pub(super) struct Rotated<'a> {
    files: &'a LogFiles,
    number: u32,
}

impl Rotated<'_> {
    /// Opens the next older file that is not `current`; `None` after the oldest one.
    pub(super) fn next_except(&mut self, current: &File) -> Result<Option<File>, ReadFailure> {
        while self.number < MAX_ROTATED {
            self.number += 1;
            match self.files.open_rotated(self.number)? {
                Some(file) if identity(&file) == identity(current) => {}
                file => return Ok(file),
            }
        }
        Ok(None)
    }
}

/// Returns the identity of an open file.
pub(super) fn identity(file: &File) -> Option<FileId> {
    fstat(file).ok().map(|status| FileId::of(&status))
}
