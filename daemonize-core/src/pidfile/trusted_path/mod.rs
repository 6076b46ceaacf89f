//! The directory of a pidfile and the names in it: `NAME.pid`, `NAME.pid.lock`, and `NAME.pid.new` while it is written.
//!
//! The directory is opened and judged once; every other call is relative to its descriptor, and every file is judged by
//! its own descriptor.

mod sibling;

use super::path_errors::{inaccessible, untrusted};
use super::reading::Reading;
use crate::error::{Result, cause};
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory, open_foreign_directory};
use crate::sys::trust::{FileId, FilePolicy, OTHERS_OPEN, OTHERS_WRITE, SAFE_FLAGS, root_and_self};
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, geteuid, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The mode of a lock file.
const LOCK_MODE: u32 = 0o600;

/// The names that belong to one pidfile, in its open directory.
#[derive(Debug)]
pub(crate) struct TrustedPath {
    path: PathBuf,
    /// Shared with the places of its siblings. `None` after [`TrustedPath::close_directory`]; a later call opens it again.
    directory: Option<Arc<OwnedFd>>,
    name: OsString,
    /// `true` if every user may make files in the directory (`/tmp`): only files of this user are trusted then.
    shared: bool,
    /// The other user that owns the directory, if root acts on an existing file: only a file of that user is trusted.
    foreign: Option<Uid>,
}

impl TrustedPath {
    /// Opens and judges the directory of `path`, for root each directory above it too.
    pub(crate) fn open(path: &Path) -> Result<TrustedPath> {
        let (parent, name) = parts(path)?;
        let directory = open_directory(parent, DirectoryPolicy::PidFile).map_err(|why| inaccessible(path, why))?;
        Ok(TrustedPath::within(directory, path, name, None))
    }

    /// Opens the directory of `path` to act on the daemon of a file that exists. Root may look into another user's.
    pub(crate) fn open_existing(path: &Path) -> Result<TrustedPath> {
        let (parent, name) = parts(path)?;
        let (directory, foreign) = open_foreign_directory(parent).map_err(|why| inaccessible(path, why))?;
        Ok(TrustedPath::within(directory, path, name, foreign))
    }

    fn within(directory: Directory, path: &Path, name: OsString, foreign: Option<Uid>) -> TrustedPath {
        let Directory { fd, is_shared } = directory;
        TrustedPath { path: path.to_owned(), directory: Some(Arc::new(fd)), name, shared: is_shared, foreign }
    }

    /// Returns the other user as which the process of this file has to run, if there is one.
    pub(crate) fn foreign(&self) -> Option<Uid> {
        self.foreign
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the lock file, for messages.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.path.with_file_name(self.lock_name())
    }

    /// Closes the directory: a daemon keeps no descriptor from outside its root, none of root's, and pins no mount.
    pub(crate) fn close_directory(&mut self) {
        self.directory = None;
    }

    /// Opens the directory again, for all that follows. Where that fails, each later call tries it, and fails with the cause.
    pub(crate) fn open_directory(&mut self) {
        self.directory = self.opened_directory().ok();
    }

    /// Opens the lock file read-only, creates it with mode 0600 if it is missing, and judges it.
    ///
    /// Returns `true` beside it if this call created it.
    pub(crate) fn open_lock(&self) -> Result<(File, bool)> {
        let name = self.lock_name();
        loop {
            // Exclusively first: what this call has created, it may remove again.
            if let Some(file) = self.open_file(&name, OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_EXCL, LOCK_MODE)? {
                let made = self.set_mode(&name, &file, LOCK_MODE);
                return made.inspect_err(|_| self.remove_lock()).map(|()| (file, true));
            }
            if let Some(file) = self.open_existing_lock()? {
                return Ok((file, false));
            }
        }
    }

    /// Opens the lock file read-only and judges it; `None` if there is none.
    pub(crate) fn open_existing_lock(&self) -> Result<Option<File>> {
        let file = self.open_file(&self.lock_name(), OFlag::O_RDONLY, 0)?;
        if let Some(file) = &file {
            self.judge_lock(file)?;
        }
        Ok(file)
    }

    /// Opens and reads the pidfile; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<Reading>> {
        loop {
            let Some(file) = self.open_file(&self.name, OFlag::O_RDONLY, 0)? else { return Ok(None) };
            self.judge(&self.path, &file, OTHERS_WRITE)?;
            let mut reading = Reading::of(&file).map_err(|error| inaccessible(&self.path, cause(&error)))?;
            reading.foreign = self.foreign.map(Uid::as_raw);
            // A start may have replaced it meanwhile: what was read has to be what the name leads to.
            let now = self.in_directory(|directory| Ok(status_of(directory, &self.name)));
            if now.is_ok_and(|now| now.is_ok_and(|now| reading.is_of(&now))) {
                return Ok(Some(reading));
            }
        }
    }

    /// Makes an empty pidfile, in place of the stale one that was read. The lock is held.
    pub(crate) fn create_empty(&self, stale: Option<&Reading>, mode: u32) -> Result<()> {
        if let Some(stale) = stale {
            let unlinked = self.in_directory(|directory| {
                let now = status_of(directory, &self.name)?;
                if !stale.is_of(&now) {
                    return Ok(false);
                }
                unlink(directory, &self.name).map(|()| true)
            });
            if !unlinked.map_err(|error| inaccessible(&self.path, cause(&error)))? {
                return Err(untrusted(&self.path, "it was replaced while it was being opened"));
            }
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let file = self.open_file(&self.name, flags, mode)?;
        let file = file.ok_or_else(|| untrusted(&self.path, "another program has just made it"))?;
        let outcome = self.set_mode(&self.name, &file, mode);
        outcome.inspect_err(|_| drop(self.unlink(&self.name)))
    }

    /// Replaces the pidfile by one with this content: written beside it whole, then renamed over it. The lock is held.
    pub(crate) fn replace(&self, content: &[u8], mode: u32) -> io::Result<()> {
        let mut file = self.create_successor(mode)?;
        // One write: a disk that takes a part of it is full.
        let whole = file
            .write(content)
            .and_then(|length| if length == content.len() { Ok(()) } else { Err(nix::Error::ENOSPC.into()) });
        let written = whole.and_then(|()| Ok(fchmod(&file, permissions(mode))?)).and_then(|()| self.install());
        written.inspect_err(|_| drop(self.remove_successor()))
    }

    /// Returns `true` if the lock's name still leads to this open file.
    pub(crate) fn is_current(&self, lock: &File) -> bool {
        self.leads_to(&self.lock_name(), lock)
    }

    /// Removes the pidfile, what a killed start left beside it, and last the lock: all three only if the lock's name
    /// still leads to this open and locked file, and the pidfile only if `disposable` says so of its content. Nothing is
    /// beside a pidfile that this process has `sealed`.
    pub(crate) fn remove(&self, lock: &File, sealed: bool, disposable: impl Fn(&Reading) -> bool) -> io::Result<()> {
        let lock_name = self.lock_name();
        self.in_directory(|directory| {
            let file = openat(directory, self.name.as_os_str(), SAFE_FLAGS, Mode::empty());
            let reading = file.ok().and_then(|file| Reading::of(&File::from(file)).ok());
            // Last: between this look and the removal there is no other call.
            if !leads_to(directory, &lock_name, lock) {
                return Ok(());
            }
            if reading.is_some_and(|reading| disposable(&reading)) {
                unlink(directory, &self.name)?;
                if !sealed {
                    let _ = unlink(directory, &self.temporary_name());
                }
            }
            unlink(directory, &lock_name)
        })
    }

    /// Returns `true` if there is a lock file.
    pub(crate) fn has_lock(&self) -> bool {
        self.has(&self.lock_name())
    }

    /// Returns `true` if it is certain that there is neither a pidfile nor a lock file.
    pub(crate) fn is_bare(&self) -> bool {
        let is_missing = |name: &OsStr| {
            let status = self.in_directory(|directory| Ok(status_of(directory, name)));
            matches!(status, Ok(Err(nix::Error::ENOENT)))
        };
        is_missing(&self.name) && is_missing(&self.lock_name())
    }

    fn has(&self, name: &OsStr) -> bool {
        self.in_directory(|directory| Ok(status_of(directory, name)?)).is_ok()
    }

    /// Removes the lock that this process has just created and could not lock.
    pub(crate) fn remove_lock(&self) {
        let _ = self.unlink(&self.lock_name());
    }

    fn lock_name(&self) -> OsString {
        with_suffix(&self.name, ".lock")
    }

    fn temporary_name(&self) -> OsString {
        with_suffix(&self.name, ".new")
    }

    fn leads_to(&self, name: &OsStr, file: &File) -> bool {
        self.in_directory(|directory| Ok(leads_to(directory, name, file))).unwrap_or(false)
    }

    fn unlink(&self, name: &OsStr) -> io::Result<()> {
        self.in_directory(|directory| unlink(directory, name))
    }

    fn in_directory<T>(&self, act: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
        act(self.opened_directory()?.as_fd())
    }

    fn opened_directory(&self) -> io::Result<Arc<OwnedFd>> {
        if let Some(directory) = &self.directory {
            return Ok(Arc::clone(directory));
        }
        TrustedPath::open(&self.path).map_err(io::Error::other)?.directory.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// `None` where it does not exist, or with `O_EXCL` where it does.
    fn open_file(&self, name: &OsStr, flags: OFlag, mode: u32) -> Result<Option<File>> {
        let path = || self.path.with_file_name(name);
        let opened = self.in_directory(|directory| Ok(openat(directory, name, flags | SAFE_FLAGS, permissions(mode))));
        match opened.map_err(|error| inaccessible(&path(), cause(&error)))? {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(nix::Error::ENOENT) if !flags.contains(OFlag::O_CREAT) => Ok(None),
            Err(nix::Error::EEXIST) if flags.contains(OFlag::O_EXCL) => Ok(None),
            Err(errno) => match refusal(errno) {
                Some(why) => Err(untrusted(&path(), why)),
                None => Err(inaccessible(&path(), cause(&errno.into()))),
            },
        }
    }

    /// Sets the mode of a file that this process has made, regardless of its umask.
    fn set_mode(&self, name: &OsStr, file: &File, mode: u32) -> Result<()> {
        let failed = |errno: nix::Error| inaccessible(&self.path.with_file_name(name), cause(&errno.into()));
        fchmod(file, permissions(mode)).map_err(failed)
    }

    /// Refuses a lock file that a process of another user can open: it could hold the lock.
    pub(crate) fn judge_lock(&self, file: &File) -> Result<()> {
        self.judge(&self.lock_path(), file, OTHERS_OPEN)
    }

    /// Accepts a regular file with one name, of root or of this user (in a foreign directory: of its owner), with none of
    /// the bits in `forbidden`.
    fn judge(&self, path: &Path, file: &File, forbidden: u32) -> Result<()> {
        self.judge_owned(file, forbidden, false).map_err(|why| untrusted(path, why))
    }

    /// With `given`, the file may belong to any user.
    fn judge_owned(&self, file: &File, forbidden: u32, given: bool) -> std::result::Result<(), String> {
        let status = fstat(file).map_err(|errno| cause(&errno.into()))?;
        let owners = match self.foreign {
            Some(user) => vec![user],
            None if self.shared => vec![geteuid()],
            None => root_and_self().to_vec(),
        };
        let owners = (self.foreign.is_some() || !given).then_some(&*owners);
        let policy = FilePolicy { kind: SFlag::S_IFREG, owners, has_one_name: true, forbidden };
        policy.check(&status).map_err(|distrust| format!("{distrust}"))
    }
}

/// Returns what is wrong with a file that could not be opened for what it is.
fn refusal(errno: nix::Error) -> Option<&'static str> {
    match errno {
        nix::Error::ELOOP => Some("it is a symbolic link"),
        nix::Error::EISDIR => Some("it is a directory"),
        nix::Error::ENXIO => Some("it is a socket or a FIFO"),
        _ => None,
    }
}

fn permissions(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode)
}

fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(suffix);
    name
}

fn leads_to(directory: BorrowedFd<'_>, name: &OsStr, file: &File) -> bool {
    same(status_of(directory, name), fstat(file))
}

/// Returns the status of what has this name; of a link, its own.
fn status_of(directory: BorrowedFd<'_>, name: &OsStr) -> nix::Result<FileStat> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// The directory and the name of a file in it.
fn parts(path: &Path) -> Result<(&Path, OsString)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name.to_owned())),
        _ => Err(inaccessible(path, "it names no file")),
    }
}

fn same(one: nix::Result<FileStat>, other: nix::Result<FileStat>) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if FileId::of(&one) == FileId::of(&other))
}

/// Removes a name; one that is gone already is no error.
fn unlink(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Err(nix::Error::ENOENT) | Ok(()) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
