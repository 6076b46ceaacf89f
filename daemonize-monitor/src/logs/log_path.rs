//! Opens log files so that no other user can redirect what the monitor writes or shows.
//!
//! A monitor of root writes logs of bots that run as other users, and such a user may own the directory of its log. So each
//! directory of the path is opened and checked in turn, and the file is opened relative to the last one (`openat(2)`).

use crate::sys::account;
use crate::sys::fd_table::copy_from;
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use crate::sys::trust::log_file::{open_to_append, open_to_read};
use nix::unistd::{Uid, geteuid};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::Arc;

/// The least descriptor number of a log file: above all descriptors that a forked child handles. Closing a copy in the child
/// could hang on a mount that does not respond.
const MIN_LOG_FD: RawFd = 128;

/// The path of a log file, with the user who may own it besides root and the user of the monitor.
#[derive(Clone, Debug)]
pub(crate) struct LogPath {
    path: Arc<Path>,
    /// The user of the bot, as configured.
    user: Option<Box<str>>,
    /// The uid of that user, looked up when it is first needed.
    number: OnceCell<Option<Uid>>,
}

/// The open directory of a log file.
pub(super) struct LogDirectory<'a> {
    pub(super) directory: Directory,
    pub(super) name: &'a OsStr,
    user: Option<Uid>,
}

impl LogPath {
    /// Creates the path of a log of a bot with this user; `None` means the user of the monitor.
    pub(crate) fn new(path: &Path, user: Option<&str>) -> LogPath {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        LogPath { path: path.into(), user: user.map(Into::into), number: OnceCell::new() }
    }

    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Opens the file for appending, and creates it if it is missing. Returns the file and its size.
    pub(super) fn open(&self) -> io::Result<(File, u64)> {
        self.directory()?.open()
    }

    /// Opens the directory of the log for reading what is in it; `None` if there is neither a directory nor a log.
    pub(super) fn directory_to_read(&self) -> io::Result<Option<LogDirectory<'_>>> {
        let is_missing =
            || fs::symlink_metadata(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        match self.directory() {
            Err(_) if is_missing() => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens the directory of the log, and checks that no other user can redirect what is written there.
    pub(super) fn directory(&self) -> io::Result<LogDirectory<'_>> {
        let (Some(parent), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Err(io::Error::other("the path has no file name"));
        };
        // A name service may take long to look up the user: it is not asked if only this user can create files in the directory.
        let open = |user| open_directory(parent, DirectoryPolicy::Log(user));
        let (directory, user) = match open(None) {
            Ok(directory) if !directory.is_shared => (Ok(directory), None),
            _ => (open(self.user()), self.user()),
        };
        let directory = directory.map_err(io::Error::other)?;
        Ok(LogDirectory { directory, name, user })
    }

    fn user(&self) -> Option<Uid> {
        let find = || {
            let user = self.user.as_deref().filter(|_| geteuid().is_root())?;
            account::find_uid(user).ok()
        };
        *self.number.get_or_init(find)
    }
}

impl LogDirectory<'_> {
    /// As [`LogPath::open`].
    pub(super) fn open(&self) -> io::Result<(File, u64)> {
        let (file, _) = open_to_append(&self.directory, self.name, self.user).map_err(io::Error::other)?;
        let file = File::from(copy_from(&file, MIN_LOG_FD).unwrap_or(file));
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    /// Opens a file of this name for reading, with the rules for the log; `None` if it does not exist.
    pub(super) fn open_to_read(&self, name: &OsStr) -> io::Result<Option<File>> {
        let file = open_to_read(&self.directory, name, self.user).map_err(io::Error::other)?;
        Ok(file.map(File::from))
    }
}
