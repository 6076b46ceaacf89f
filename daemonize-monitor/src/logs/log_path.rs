//! Where a log file is: opened, read and put aside so that nobody can have us write, or show, anything else.
//!
//! Root writes for bots that are other users, and those may own the directory of their log. So the way there is walked
//! with open directories that are judged one after another, and everything else is relative to the last one.

use crate::sys::account;
use crate::sys::fd_table::copy_from;
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use crate::sys::trust::log_file::{open_to_append, open_to_read};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::sys::stat::fstatat;
use nix::unistd::{Uid, UnlinkatFlags, geteuid, unlinkat};
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::Arc;

/// The first number that a log file may have: above all that a child copies when it is made. On a mount that does not answer,
/// closing a copy may hang.
const MIN_LOG_FD: RawFd = 128;

/// The path of a log file, and whose it may be besides root's and our own.
#[derive(Clone, Debug)]
pub(crate) struct LogPath {
    path: Arc<Path>,
    /// The bot's, as configured.
    user: Option<Box<str>>,
    /// That user's number, once somebody had to know it.
    number: OnceCell<Option<Uid>>,
}

/// The open directory of a log file.
pub(super) struct LogDirectory<'a> {
    directory: Directory,
    name: &'a OsStr,
    user: Option<Uid>,
}

impl LogPath {
    /// The place of a log of this user's bot; without one, it is only ours.
    pub(crate) fn new(path: &Path, user: Option<&str>) -> LogPath {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        LogPath { path: path.into(), user: user.map(Into::into), number: OnceCell::new() }
    }

    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// The open file, and how much is in it; made if it is missing.
    pub(super) fn open(&self) -> io::Result<(File, u64)> {
        self.directory()?.open()
    }

    /// The file, to be read; `None` if there is none.
    pub(super) fn open_to_read(&self) -> io::Result<Option<File>> {
        let is_missing =
            || fs::symlink_metadata(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        let opened = match self.directory() {
            Err(_) if is_missing() => return Ok(None),
            opened => opened?,
        };
        let file = open_to_read(&opened.directory, opened.name, opened.user).map_err(io::Error::other)?;
        Ok(file.map(File::from))
    }

    /// Opens the directory, if it can be trusted with a log.
    pub(super) fn directory(&self) -> io::Result<LogDirectory<'_>> {
        let (Some(parent), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Err(io::Error::other("it names no file"));
        };
        // Who the user is may take long to find out: not for a directory where only we can make files.
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

    /// Renames the file to `PATH.1`, that one to `PATH.2` and so on; `keep` 0 removes it. Where nothing bears its name there
    /// is nothing to do: the last time, no new one could be begun.
    pub(super) fn rotate(&self, keep: u32) -> io::Result<()> {
        if fstatat(&self.directory.fd, self.name, AtFlags::AT_SYMLINK_NOFOLLOW) == Err(Errno::ENOENT) {
            return Ok(());
        }
        let rename = |from: &OsStr, to: &OsStr| renameat(&self.directory.fd, from, &self.directory.fd, to);
        for number in (1..keep).rev() {
            let _ = rename(&self.rotated_name(number), &self.rotated_name(number + 1));
        }
        match keep {
            0 => unlinkat(&self.directory.fd, self.name, UnlinkatFlags::NoRemoveDir)?,
            _ => rename(self.name, &self.rotated_name(1))?,
        }
        Ok(())
    }

    /// `NAME.1` and so on.
    fn rotated_name(&self, number: u32) -> OsString {
        let mut name = self.name.to_owned();
        name.push(format!(".{number}"));
        name
    }
}
