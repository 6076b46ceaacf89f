//! The path of a pidfile in an open, trusted directory: `NAME.pid`, `NAME.pid.lock`, and `NAME.pid.new` during a write.
//!
//! The directory is opened and checked once. Every other call is relative to its descriptor (`openat(2)`), and every file is
//! checked through its own descriptor, so that no path can be exchanged between check and use.

mod lock_file;
mod replace;
mod sibling;

use super::path_errors::{inaccessible, untrusted};
use super::reading::Reading;
use crate::error::{Result, cause};
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory, open_foreign_directory};
use crate::sys::trust::{FileId, FilePolicy, OTHERS_WRITE, SAFE_FLAGS, root_and_self};
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, geteuid, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The path of a file whose directory is open and trusted.
#[derive(Debug)]
pub(crate) struct TrustedPath {
    path: PathBuf,
    /// Shared with sibling paths. `None` after [`TrustedPath::close_directory`]; a later call opens it again.
    directory: Option<Arc<OwnedFd>>,
    name: OsString,
    /// `true` if every user may create files in the directory (`/tmp`): only files of this user are trusted then.
    shared: bool,
    /// The other user that owns the directory, if root acts on an existing file: only a file of that user is trusted.
    foreign: Option<Uid>,
}

impl TrustedPath {
    /// Opens and checks the directory of `path`; for root, also each directory above it.
    pub(crate) fn open(path: &Path) -> Result<TrustedPath> {
        let (parent, name) = parts(path)?;
        let directory = open_directory(parent, DirectoryPolicy::PidFile).map_err(|why| inaccessible(path, why))?;
        Ok(TrustedPath::within(directory, path, name, None))
    }

    /// Opens the directory of `path` to act on a running daemon. For root, it may belong to another user.
    pub(crate) fn open_existing(path: &Path) -> Result<TrustedPath> {
        let (parent, name) = parts(path)?;
        let (directory, foreign) = open_foreign_directory(parent).map_err(|why| inaccessible(path, why))?;
        Ok(TrustedPath::within(directory, path, name, foreign))
    }

    fn within(directory: Directory, path: &Path, name: OsString, foreign: Option<Uid>) -> TrustedPath {
        let Directory { fd, is_shared } = directory;
        TrustedPath { path: path.to_owned(), directory: Some(Arc::new(fd)), name, shared: is_shared, foreign }
    }

    /// Returns the other user that owns the directory, as which the process of the file must run.
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

    /// Closes the directory: a daemon must not keep a descriptor from outside its root directory, nor keep a mount busy.
    pub(crate) fn close_directory(&mut self) {
        self.directory = None;
    }

    /// Opens the directory again. If that fails, each later call tries again, and fails with the cause.
    pub(crate) fn open_directory(&mut self) {
        self.directory = self.opened_directory().ok();
    }

    /// Opens and reads the pidfile; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<Reading>> {
        loop {
            let Some(file) = self.open_file(&self.name, OFlag::O_RDONLY, 0)? else { return Ok(None) };
            self.check(&self.path, &file, OTHERS_WRITE)?;
            let mut reading = Reading::of(&file).map_err(|error| inaccessible(&self.path, cause(&error)))?;
            reading.foreign = self.foreign.map(Uid::as_raw);
            // A start may have replaced the file meanwhile: the name must still lead to the file that was read.
            let now = self.in_directory(|directory| Ok(status_of(directory, &self.name)));
            if now.is_ok_and(|now| now.is_ok_and(|now| reading.is_of(&now))) {
                return Ok(Some(reading));
            }
        }
    }

    /// Removes the pidfile, what a killed start left beside it, and last the lock: all three only if the lock's name
    /// still leads to this open and locked file, and the pidfile only if `removable` accepts its content. A pidfile that
    /// this process has `sealed` has no temporary file.
    pub(crate) fn remove(&self, lock: &File, sealed: bool, removable: impl Fn(&Reading) -> bool) -> io::Result<()> {
        let lock_name = self.lock_name();
        self.in_directory(|directory| {
            let file = openat(directory, self.name.as_os_str(), SAFE_FLAGS, Mode::empty());
            let reading = file.ok().and_then(|file| Reading::of(&File::from(file)).ok());
            // Checked last, so that no other call is between the check and the removal.
            if !leads_to(directory, &lock_name, lock) {
                return Ok(());
            }
            if reading.is_some_and(|reading| removable(&reading)) {
                unlink(directory, &self.name)?;
                if !sealed {
                    let _ = unlink(directory, &self.temporary_name());
                }
            }
            unlink(directory, &lock_name)
        })
    }

    /// Returns `true` if it is certain that there is neither a pidfile nor a lock file.
    pub(crate) fn is_removed(&self) -> bool {
        let is_missing = |name: &OsStr| {
            let status = self.in_directory(|directory| Ok(status_of(directory, name)));
            matches!(status, Ok(Err(nix::Error::ENOENT)))
        };
        is_missing(&self.name) && is_missing(&self.lock_name())
    }

    fn has(&self, name: &OsStr) -> bool {
        self.in_directory(|directory| Ok(status_of(directory, name)?)).is_ok()
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

    /// Opens a file in the directory. Returns `None` if it does not exist, or with `O_EXCL` if it does.
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

    /// Sets the mode of a file that this process has created, regardless of the umask.
    fn set_mode(&self, name: &OsStr, file: &File, mode: u32) -> Result<()> {
        let failed = |errno: nix::Error| inaccessible(&self.path.with_file_name(name), cause(&errno.into()));
        fchmod(file, permissions(mode)).map_err(failed)
    }

    /// Accepts a regular file with one name, of root or of this user (in a foreign directory: of its owner), with none of
    /// the bits in `forbidden`.
    fn check(&self, path: &Path, file: &File, forbidden: u32) -> Result<()> {
        self.check_owner(file, forbidden, false).map_err(|why| untrusted(path, why))
    }

    /// With `given`, the file may belong to any user.
    fn check_owner(&self, file: &File, forbidden: u32, given: bool) -> std::result::Result<(), String> {
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

/// Returns the text for an `openat(2)` error that means the wrong type of file.
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

/// Returns the status of the file with this name; that of a symbolic link is its own.
fn status_of(directory: BorrowedFd<'_>, name: &OsStr) -> nix::Result<FileStat> {
    fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Splits a path into its directory and file name.
fn parts(path: &Path) -> Result<(&Path, OsString)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name.to_owned())),
        _ => Err(inaccessible(path, "it names no file")),
    }
}

fn same(one: nix::Result<FileStat>, other: nix::Result<FileStat>) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if FileId::of(&one) == FileId::of(&other))
}

/// Removes a name. A missing name is not an error.
fn unlink(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Err(nix::Error::ENOENT) | Ok(()) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
