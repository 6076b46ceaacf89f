//! Rotates a log file: `NAME.log` becomes `NAME.log.1`, `NAME.log.1` becomes `NAME.log.2`, and the oldest file is overwritten.
//!
//! A rotation renames nothing but the file that the streams lead to, and holds an `flock(2)` on it meanwhile: of two daemons with the
//! same log, one rotates, and the other finds that the file has another name, and opens the new one. If another program (logrotate)
//! has moved the file, nothing is renamed either. All names are relative to the open directory, and the new file is judged as
//! at a start: no other user can divert what is written.

use super::Bounds;
use super::open::open_in;
use crate::error::cause;
use crate::sys::trust::FileId;
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg, renameat};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, fstatat};
use nix::unistd::{AccessFlags, Gid, LinkatFlags, UnlinkatFlags, faccessat, fchown, linkat, unlinkat};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Mode bits that a new file takes over from the old one.
const COPIED_MODE: u32 = 0o666;

/// How long another process may keep the file locked, before that is reported: a daemon that rotates it needs a millisecond.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// The time since another process has kept the file locked.
#[derive(Debug, Default)]
pub(super) struct LockWait(Option<Instant>);

impl LockWait {
    /// Records that the file is locked. Returns `true` if that lasts too long.
    pub(super) fn is_over(&mut self) -> bool {
        self.0.get_or_insert_with(Instant::now).elapsed() > LOCK_TIMEOUT
    }

    /// Records that the file is not locked, or is not to be rotated now.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }
}

/// The outcome of a rotation.
#[derive(Debug)]
pub(super) enum Rotation {
    /// The streams are to lead to this file.
    Opened(OwnedFd),
    /// The file is not larger than its maximum (any more).
    NotDue,
    /// Another process holds the lock of the file.
    Locked,
}

/// Rotates the log `path`, whose open file is `current`, if that exceeds its maximum size or has no name any more.
///
/// # Errors
/// Why the file cannot be renamed, or no new one opened; `current` remains the log.
pub(super) fn rotate(path: &Path, bounds: Bounds, current: &OwnedFd) -> Result<Rotation, String> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("it names no file".into());
    };
    let directory = open_directory(parent, DirectoryPolicy::Log(None))?;
    let _lock = match lock(current) {
        Ok(lock) => lock,
        Err(Errno::EWOULDBLOCK) => return Ok(Rotation::Locked),
        Err(errno) => return Err(format!("failed to lock it: {}", cause(&errno.into()))),
    };
    let old = fstat(current).map_err(describe)?;
    if old.st_nlink > 0 && u64::try_from(old.st_size).unwrap_or(0) <= bounds.max_size {
        return Ok(Rotation::NotDue);
    }
    let is_renamed = has_name(&directory, name, &old)?;
    if is_renamed {
        make_room(&directory, name, bounds.keep)?;
        rename_or_remove(&directory, name, bounds.keep)?;
    }
    match open_new(&directory, name, &old) {
        Ok(file) => Ok(Rotation::Opened(file)),
        Err(why) => {
            if is_renamed && bounds.keep > 0 {
                restore(&directory, name);
            }
            Err(why)
        }
    }
}

/// Checks that this process can rename files in the directory of `path`.
///
/// # Errors
/// Why it cannot.
pub(super) fn check_directory(path: &Path) -> Result<(), String> {
    let Some(parent) = path.parent() else { return Ok(()) };
    open_directory(parent, DirectoryPolicy::Log(None))?;
    let access = AccessFlags::W_OK | AccessFlags::X_OK;
    // AT_EACCESS: with the effective user, as rename(2) checks.
    faccessat(AT_FDCWD, parent, access, AtFlags::AT_EACCESS)
        .map_err(|errno| format!("files in `{}` cannot be renamed: {}", parent.display(), cause(&errno.into())))
}

/// Locks the open file description, which no other daemon has. `None` where the file system has no locks.
fn lock(file: &OwnedFd) -> nix::Result<Option<Flock<OwnedFd>>> {
    let copy = file.try_clone().map_err(|_| Errno::EMFILE)?;
    match Flock::lock(copy, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::ENOLCK | Errno::ENOSYS | Errno::EOPNOTSUPP)) => Ok(None),
        Err((_, errno)) => Err(errno),
    }
}

/// Returns `true` if `name` is the file with this status.
fn has_name(directory: &Directory, name: &OsStr, file: &FileStat) -> Result<bool, String> {
    match fstatat(&directory.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(named) => Ok(FileId::of(&named) == FileId::of(file)),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(describe(errno)),
    }
}

/// Renames `NAME.1` to `NAME.2` and so on, up to the first number that is free.
fn make_room(directory: &Directory, name: &OsStr, keep: u32) -> Result<(), String> {
    let is_free = |number: &u32| {
        fstatat(&directory.fd, &*numbered(name, *number), AtFlags::AT_SYMLINK_NOFOLLOW) == Err(Errno::ENOENT)
    };
    let free = (1..keep).find(is_free).unwrap_or(keep);
    for number in (1..free).rev() {
        let (from, to) = (numbered(name, number), numbered(name, number + 1));
        // An error ends the rotation: otherwise the next rename would overwrite a file that is to be kept.
        renameat(&directory.fd, &*from, &directory.fd, &*to).map_err(|errno| rename_failed(&from, errno))?;
    }
    Ok(())
}

fn rename_or_remove(directory: &Directory, name: &OsStr, keep: u32) -> Result<(), String> {
    if keep == 0 {
        return unlinkat(&directory.fd, name, UnlinkatFlags::NoRemoveDir)
            .map_err(|errno| format!("failed to remove it: {}", cause(&errno.into())));
    }
    let to = numbered(name, 1);
    // The new name is replaced, whatever it is, and never followed (rename(2)).
    renameat(&directory.fd, name, &directory.fd, &*to).map_err(|errno| rename_failed(name, errno))
}

/// Opens the file that has the name now, or makes one with the mode and the group of the old one.
fn open_new(directory: &Directory, name: &OsStr, old: &FileStat) -> Result<OwnedFd, String> {
    let (file, is_new) = open_in(directory, name, (None, None))?;
    let new = fstat(&file).map_err(describe)?;
    if FileId::of(&new) == FileId::of(old) {
        return Err("it has kept its name (it may have a second one, a hard link)".into());
    }
    if is_new {
        if new.st_gid != old.st_gid {
            // Fails if this user is not in the group; the file is then the user's own group's.
            let _ = fchown(&file, None, Some(Gid::from_raw(old.st_gid)));
        }
        let _ = fchmod(&file, Mode::from_bits_truncate(old.st_mode & COPIED_MODE));
    }
    Ok(file)
}

/// Gives the renamed file its name back, unless another file has that name.
fn restore(directory: &Directory, name: &OsStr) {
    let from = numbered(name, 1);
    // Unlike rename(2), link(2) replaces nothing.
    if linkat(&directory.fd, &*from, &directory.fd, name, LinkatFlags::empty()).is_ok() {
        let _ = unlinkat(&directory.fd, &*from, UnlinkatFlags::NoRemoveDir);
    }
}

/// Returns `NAME.1` and so on.
fn numbered(name: &OsStr, number: u32) -> OsString {
    let mut numbered = name.to_owned();
    numbered.push(format!(".{number}"));
    numbered
}

fn rename_failed(name: &OsStr, errno: Errno) -> String {
    format!("failed to rename `{}`: {}", Path::new(name).display(), cause(&errno.into()))
}

fn describe(errno: Errno) -> String {
    cause(&errno.into())
}
