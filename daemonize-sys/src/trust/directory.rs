//! Opening a directory that can be trusted with a file that root acts on: a pidfile, a log.
//!
//! A user that can write a directory can swap what is below it. So for root no directory on the way may be writable by another
//! user, and everything after that is relative to the open directory.

use super::{OTHERS_WRITE, is_sticky, kind};
use crate::account::describe;
use crate::error::cause;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat};
use nix::unistd::{Uid, geteuid};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// The maximum number of symbolic links to follow, as in the kernel (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// The bit with which any user could write.
const ANY_USER_WRITES: u32 = 0o002;

/// Opens one component of a path, of any kind, without following a link.
const WALK: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// A directory that was judged.
#[derive(Debug)]
pub struct Directory {
    /// Open for calls relative to it (`O_PATH` for root).
    pub fd: OwnedFd,
    /// `true` if others than root may make files there: it is one like `/tmp`, or the directory of the user whose log it
    /// holds. Only files of root, of this process's user and of that user are trusted in it.
    pub is_shared: bool,
}

/// The use of a directory, which decides its rules.
#[derive(Clone, Copy, Debug)]
pub enum DirectoryPolicy {
    /// The content of the file decides which process root signals.
    PidFile,
    /// As `PidFile`, but directories may belong to one other user from one directory on, since the caller trusts the pidfile only if its
    /// process runs as that user.
    ForeignPidFile,
    /// The file is only appended to, and is judged by itself: its directory, and those above, may belong to the user it
    /// is written for, or to a group (`/var/log` often does). No link in such a directory is followed.
    Log(Option<Uid>),
}

/// Opens a directory and judges it; for root all those above it, too.
pub fn open_directory(path: &Path, policy: DirectoryPolicy) -> Result<Directory, String> {
    if geteuid().is_root() {
        open_trusted(path, policy, false).map(|(directory, _)| directory)
    } else {
        open_plain(path)
    }
}

/// Opens the directory of a pidfile to act on the daemon that the file names. For root it may be another user's, who is
/// returned: root must believe the file only if the process that it names runs as that user.
pub fn open_foreign_directory(path: &Path) -> Result<(Directory, Option<Uid>), String> {
    if geteuid().is_root() {
        open_trusted(path, DirectoryPolicy::ForeignPidFile, false)
    } else {
        open_plain(path).map(|directory| (directory, None))
    }
}

/// Opens a directory and judges it as one for pidfiles; makes what is missing on the way, with mode 0700. Only for root: it makes
/// nothing where another user could have led it, by a link or by a directory that is not root's.
pub fn make_directory(path: &Path) -> Result<OwnedFd, String> {
    open_trusted(path, DirectoryPolicy::PidFile, true).map(|(directory, _)| directory.fd)
}

/// Opens a directory for a user without power over others: it must not be one where any user can swap files.
fn open_plain(directory: &Path) -> Result<Directory, String> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::open(directory, flags, Mode::empty()).map_err(|errno| failed(directory, errno))?;
    let status = fstat(&fd).map_err(|errno| failed(directory, errno))?;
    let others = status.st_mode & ANY_USER_WRITES != 0;
    if others && !is_sticky(&status) {
        return Err(at(directory, "any user can write it"));
    }
    Ok(Directory { fd, is_shared: others })
}

/// Opens a directory for root: walks from `/`, judges every directory on the way, and follows only links that no other
/// user could have put there. Also returns the other user that owns it, which only `DirectoryPolicy::ForeignPidFile` allows.
fn open_trusted(directory: &Path, policy: DirectoryPolicy, make: bool) -> Result<(Directory, Option<Uid>), String> {
    let mut todo = components(directory);
    // No descriptor: `/`, below which a path leads as well.
    let mut current: Option<OwnedFd> = None;
    let (mut seen, mut shared, mut roots, mut links) = (PathBuf::from("/"), false, true, 0);
    let mut foreign = None;
    while let Some(name) = todo.pop() {
        let path = seen.join(&name);
        let (parent, name) = match &current {
            Some(parent) => (parent.as_fd(), name.as_os_str()),
            None => (AT_FDCWD, path.as_os_str()),
        };
        let next = match openat(parent, name, WALK, Mode::empty()) {
            Err(Errno::ENOENT) if make => make_in(parent, name),
            next => next,
        };
        let next = next.map_err(|errno| failed(&path, errno))?;
        let status = fstat(&next).map_err(|errno| failed(&path, errno))?;
        match kind(&status) {
            SFlag::S_IFLNK => {
                links += 1;
                trust_link(&path, &status, roots, links)?;
                let target = nix::fcntl::readlinkat(parent, name).map_err(|errno| failed(&path, errno))?;
                if Path::new(&target).is_absolute() {
                    (current, seen, shared, roots) = (None, PathBuf::from("/"), false, true);
                }
                todo.extend(components(Path::new(&target)));
            }
            SFlag::S_IFDIR => {
                shared = trust_directory(&path, &status, policy, foreign)?;
                if matches!(policy, DirectoryPolicy::ForeignPidFile) && status.st_uid != 0 {
                    foreign = Some(Uid::from_raw(status.st_uid));
                }
                roots = status.st_uid == 0 && status.st_mode & OTHERS_WRITE == 0;
                (current, seen) = (Some(next), path);
            }
            _ => return Err(at(&path, "it is not a directory")),
        }
    }
    // The walk holds O_PATH descriptors; unlinkat and fstatat need no more.
    let root = || nix::fcntl::open("/", WALK | OFlag::O_DIRECTORY, Mode::empty());
    let fd = current.map_or_else(root, Ok).map_err(|errno| failed(Path::new("/"), errno))?;
    Ok((Directory { fd, is_shared: shared }, foreign))
}

/// Makes a directory in one that was judged, and opens what has the name then.
fn make_in(parent: BorrowedFd<'_>, name: &OsStr) -> nix::Result<OwnedFd> {
    match mkdirat(parent, name, Mode::S_IRWXU) {
        // Another launch was faster. What it made is judged like anything else.
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    openat(parent, name, WALK, Mode::empty())
}

/// Returns the names of a path in reverse, so that the next one is popped.
fn components(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        _ => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

/// Refuses a directory on root's way that belongs to a user `policy` does not allow, or that others can write, unless
/// it is sticky. Below a directory of the user `foreign` every directory must belong to that user. Returns `true` if
/// other users than root may make files in it.
fn trust_directory(
    path: &Path,
    status: &FileStat,
    policy: DirectoryPolicy,
    foreign: Option<Uid>,
) -> Result<bool, String> {
    let owner = Uid::from_raw(status.st_uid);
    let (trusted, others_write) = match policy {
        DirectoryPolicy::PidFile => (owner.is_root(), OTHERS_WRITE),
        DirectoryPolicy::ForeignPidFile => (foreign.is_none_or(|foreign| owner == foreign), OTHERS_WRITE),
        DirectoryPolicy::Log(user) => (owner.is_root() || user == Some(owner), ANY_USER_WRITES),
    };
    let writable = status.st_mode & others_write != 0;
    if !trusted {
        return Err(at(path, &format!("it belongs to {}, who could swap what is in it", describe(owner))));
    }
    if writable && !is_sticky(status) {
        return Err(at(path, &format!("others than its owner can write it (mode {:04o})", status.st_mode & 0o7777)));
    }
    Ok(writable || !owner.is_root())
}

/// A link is root's if root made it, in a directory (`roots`) that no other user can write.
fn trust_link(path: &Path, status: &FileStat, roots: bool, links: usize) -> Result<(), String> {
    match () {
        () if links > MAX_LINKS => Err(at(path, "too many symbolic links")),
        () if status.st_uid != 0 || !roots => {
            Err(at(path, "it is a symbolic link that others than root could have made"))
        }
        () => Ok(()),
    }
}

#[cold]
fn failed(path: &Path, errno: Errno) -> String {
    at(path, &cause(&errno.into()))
}

#[cold]
fn at(path: &Path, why: &str) -> String {
    format!("`{}`: {why}", path.display())
}
