//! Where a pidfile lies: its directory, opened and judged, and the file, opened and judged by descriptor.
//!
//! Root acts on what it reads here, so for root no directory on the way may be writable by anybody else: who can write
//! one can swap what is below it. Everything after that is relative to the open directory.

use crate::error::{Error, ErrorKind, Result, cause};
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, geteuid, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// Symbolic links on the way to a directory before somebody is going in circles (as in the kernel).
const LINKS: usize = 40;

/// Bits with which others than the owner could write.
const OTHERS_WRITE: u32 = 0o022;

/// The name of a pidfile in its open directory.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Opened again when it is needed after [`Place::close_directory`].
    directory: Option<OwnedFd>,
    name: OsString,
    /// The directory is one like `/tmp`, where everybody may make files: only our own are trusted.
    shared: bool,
}

impl Place {
    /// Opens the directory of `path` and judges it, and for root all those above it.
    pub(crate) fn open(path: &Path) -> Result<Place> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(inaccessible(path, "it names no file"));
        };
        let walk = if geteuid().is_root() { open_trusted(parent) } else { open_plain(parent) };
        let (directory, shared) = walk.map_err(|why| inaccessible(path, why))?;
        Ok(Place { path: path.to_owned(), directory: Some(directory), name: name.to_owned(), shared })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The descriptor of the directory, while it is open.
    pub(crate) fn directory(&self) -> Option<BorrowedFd<'_>> {
        self.directory.as_ref().map(AsFd::as_fd)
    }

    /// Lets go of the directory: a daemon keeps none from outside its root, nor pins a mount.
    pub(crate) fn close_directory(&mut self) {
        self.directory = None;
    }

    /// Opens the file for locking and reading, making it if need be, and judges it.
    pub(crate) fn create(&self, mode: u32) -> Result<File> {
        let file =
            self.open_file(OFlag::O_RDONLY | OFlag::O_CREAT)?.ok_or_else(|| inaccessible(&self.path, "it vanished"))?;
        let status = self.judge(&file)?;
        if status.st_mode & 0o7777 != mode && status.st_uid == geteuid().as_raw() {
            // The mode is ours to set, whatever umask the caller has.
            fchmod(&file, Mode::from_bits_truncate(mode))
                .map_err(|errno| inaccessible(&self.path, cause(&errno.into())))?;
        }
        Ok(file)
    }

    /// Opens the file for reading; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<File>> {
        self.open_file(OFlag::O_RDONLY)
    }

    /// Opens a second description of `file`, for writing: it must be the very same file.
    pub(crate) fn write(&self, file: &File) -> Result<File> {
        let writer = self.open_file(OFlag::O_WRONLY)?.filter(|writer| same(fstat(writer), fstat(file)));
        writer.ok_or_else(|| distrusted(&self.path, "it was replaced while it was being opened"))
    }

    /// Whether the name still leads to this open file.
    pub(crate) fn is_current(&self, file: &File) -> bool {
        self.in_directory(|directory| Ok(self.leads_to(directory, file))).unwrap_or(false)
    }

    /// Removes the name, provided that it still leads to this open (and locked) file.
    pub(crate) fn remove(&self, file: &File) -> io::Result<()> {
        self.in_directory(|directory| {
            if self.leads_to(directory, file) {
                unlinkat(directory, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir)?;
            }
            Ok(())
        })
    }

    fn leads_to(&self, directory: BorrowedFd<'_>, file: &File) -> bool {
        same(fstatat(directory, self.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW), fstat(file))
    }

    fn in_directory<T>(&self, act: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
        if let Some(directory) = self.directory() {
            return act(directory);
        }
        let again = Place::open(&self.path).map_err(io::Error::other)?;
        again.directory().map_or_else(|| Err(io::ErrorKind::NotFound.into()), act)
    }

    fn open_file(&self, flags: OFlag) -> Result<Option<File>> {
        // Never O_TRUNC: the file may be a living daemon's. O_NONBLOCK: it may be a FIFO.
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mode = Mode::from_bits_truncate(0o644);
        let Some(directory) = self.directory() else { return Ok(None) };
        match openat(directory, self.name.as_os_str(), flags, mode) {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(nix::Error::ENOENT) if !flags.contains(OFlag::O_CREAT) => Ok(None),
            Err(nix::Error::ELOOP) => Err(distrusted(&self.path, "it is a symbolic link")),
            Err(nix::Error::EISDIR) => Err(distrusted(&self.path, "it is a directory")),
            Err(nix::Error::ENXIO) => Err(distrusted(&self.path, "it is a socket or a FIFO")),
            Err(errno) => Err(inaccessible(&self.path, cause(&errno.into()))),
        }
    }

    /// A regular file with one name, of root or of us, that nobody else can write.
    pub(crate) fn judge(&self, file: &File) -> Result<FileStat> {
        let status = fstat(file).map_err(|errno| inaccessible(&self.path, cause(&errno.into())))?;
        let owner = Uid::from_raw(status.st_uid);
        let refuse = |why: String| Err(distrusted(&self.path, why));
        match kind(&status) {
            SFlag::S_IFREG if status.st_nlink > 1 => refuse("it has more than one name (hard links)".into()),
            SFlag::S_IFREG if owner != geteuid() && (!owner.is_root() || self.shared) => {
                refuse(format!("it belongs to {}", describe(owner)))
            }
            SFlag::S_IFREG if status.st_mode & OTHERS_WRITE != 0 => {
                refuse(format!("others than its owner can write it (mode {:04o})", status.st_mode & 0o7777))
            }
            SFlag::S_IFREG => Ok(status),
            SFlag::S_IFDIR => refuse("it is a directory".into()),
            _ => refuse("it is not a regular file".into()),
        }
    }
}

/// The name and number of a user, for messages.
pub(crate) fn describe(uid: Uid) -> String {
    match nix::unistd::User::from_uid(uid) {
        Ok(Some(user)) => format!("user `{}` (uid {uid})", user.name),
        _ => format!("uid {uid}"),
    }
}

/// For people without power over others: the directory must not be one where everybody can swap files.
fn open_plain(directory: &Path) -> Result<(OwnedFd, bool), String> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = nix::fcntl::open(directory, flags, Mode::empty()).map_err(|errno| at(directory, cause(&errno.into())))?;
    let status = fstat(&fd).map_err(|errno| at(directory, cause(&errno.into())))?;
    let others = status.st_mode & 0o002 != 0;
    if others && !is_sticky(&status) {
        return Err(at(directory, "everybody can write it"));
    }
    Ok((fd, others))
}

/// For root: walks from `/`, judging every directory, and following links only where nobody else could have put them.
fn open_trusted(directory: &Path) -> Result<(OwnedFd, bool), String> {
    let open = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let root = || {
        nix::fcntl::open("/", open | OFlag::O_DIRECTORY, Mode::empty())
            .map_err(|errno| at(Path::new("/"), cause(&errno.into())))
    };
    let mut todo = components(directory);
    let (mut current, mut seen, mut shared, mut links) = (root()?, PathBuf::from("/"), false, 0);
    while let Some(name) = todo.pop() {
        let path = seen.join(&name);
        let next =
            openat(&current, name.as_os_str(), open, Mode::empty()).map_err(|errno| at(&path, cause(&errno.into())))?;
        let status = fstat(&next).map_err(|errno| at(&path, cause(&errno.into())))?;
        match kind(&status) {
            SFlag::S_IFLNK => {
                links += 1;
                trust_link(&path, &status, shared, links)?;
                let target = nix::fcntl::readlinkat(&current, name.as_os_str())
                    .map_err(|errno| at(&path, cause(&errno.into())))?;
                if Path::new(&target).is_absolute() {
                    (current, seen, shared) = (root()?, PathBuf::from("/"), false);
                }
                todo.extend(components(Path::new(&target)));
            }
            SFlag::S_IFDIR => {
                shared = trust_directory(&path, &status)?;
                (current, seen) = (next, path);
            }
            _ => return Err(at(&path, "it is not a directory")),
        }
    }
    // The walk holds O_PATH descriptors; unlinkat and fstatat need no more.
    Ok((current, shared))
}

/// The names of a path in reverse, so that the next one is popped.
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

/// Only root may own a directory on root's way, and only root may write it, unless nobody can remove another's file.
fn trust_directory(path: &Path, status: &FileStat) -> Result<bool, String> {
    let writable = status.st_mode & OTHERS_WRITE != 0;
    if status.st_uid != 0 {
        return Err(at(
            path,
            format!("it belongs to {}, who could swap the pidfile", describe(Uid::from_raw(status.st_uid))),
        ));
    }
    if writable && !is_sticky(status) {
        return Err(at(path, format!("others than root can write it (mode {:04o})", status.st_mode & 0o7777)));
    }
    Ok(writable)
}

fn trust_link(path: &Path, status: &FileStat, shared: bool, links: usize) -> Result<(), String> {
    match () {
        () if links > LINKS => Err(at(path, "too many symbolic links")),
        () if status.st_uid != 0 || shared => {
            Err(at(path, "it is a symbolic link that others than root could have made"))
        }
        () => Ok(()),
    }
}

fn is_sticky(status: &FileStat) -> bool {
    status.st_mode & libc::S_ISVTX != 0
}

fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

fn same(one: nix::Result<FileStat>, other: nix::Result<FileStat>) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

fn at(path: &Path, why: impl std::fmt::Display) -> String {
    format!("`{}`: {why}", path.display())
}

pub(crate) fn inaccessible(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(ErrorKind::PidFileInaccessible, "open pidfile", path.display(), why)
}

pub(crate) fn distrusted(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(ErrorKind::PidFile, "use pidfile", path.display(), why)
}
