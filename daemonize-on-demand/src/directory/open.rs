//! Opens the directory for a client: it and the way to it must be safe from other users.

use super::{Directory, OpenDirectory, error_at};
use daemonize_sys::account::describe;
use daemonize_sys::error::failed;
use daemonize_sys::trust::OTHERS_OPEN;
use daemonize_sys::trust::directory::{DirectoryPolicy, open_directory};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::{Uid, geteuid};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Opens a directory without following a link, for calls relative to it.
pub(super) const DIRECTORY_FLAGS: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Directory {
    /// Opens the directory. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// The directory, or one above it, is not trusted: it belongs to another user, is open to others, or is a link.
    pub(crate) fn open(&self) -> io::Result<Option<OpenDirectory>> {
        open(self)
    }
}

fn open(place: &Directory) -> io::Result<Option<OpenDirectory>> {
    let (parent, name) = split(&place.path)?;
    let parent = match open_directory(parent, DirectoryPolicy::PidFile) {
        Ok(parent) => parent.fd,
        Err(_) if matches!(parent.try_exists(), Ok(false)) => return Ok(None),
        Err(why) => return Err(untrusted(&place.path, &why)),
    };
    let fd = match openat(&parent, name, DIRECTORY_FLAGS, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(None),
        opened => opened.map_err(|errno| open_error(&place.path, errno))?,
    };
    let status = fstat(&fd).map_err(|errno| error_at("open", &place.path, errno))?;
    check_owner(place, &status)?;
    let mode = status.st_mode & 0o7777;
    if mode & OTHERS_OPEN != 0 {
        let why = format!("others than its owner can open it (mode {mode:04o}): `chmod 700` it, or remove it");
        return Err(untrusted(&place.path, &why));
    }
    Ok(Some(opened(place, fd)))
}

pub(super) fn opened(place: &Directory, fd: OwnedFd) -> OpenDirectory {
    let owner = place.owner.filter(|(user, _)| *user != geteuid().as_raw());
    OpenDirectory { path: place.path.clone(), fd, owner }
}

/// Splits the path of the directory into its parent and its name.
pub(super) fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(untrusted(path, "it names no directory")),
    }
}

/// Refuses a directory that belongs neither to this user nor to the user that the daemon changes to.
pub(super) fn check_owner(place: &Directory, status: &FileStat) -> io::Result<()> {
    let owner = status.st_uid;
    if owner == geteuid().as_raw() || owner == place.owner() {
        return Ok(());
    }
    let why = format!("it belongs to {}: remove it, or set another `pidfile`", describe(Uid::from_raw(owner)));
    Err(untrusted(&place.path, &why))
}

/// Returns the error of opening the directory itself.
pub(super) fn open_error(path: &Path, errno: Errno) -> io::Error {
    match errno {
        Errno::ENOTDIR | Errno::ELOOP => untrusted(path, "it is not a directory: remove it, or set another `pidfile`"),
        errno => error_at("open", path, errno),
    }
}

#[cold]
pub(super) fn untrusted(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, failed("use", path.display(), why))
}
