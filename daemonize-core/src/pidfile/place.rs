//! Where a pidfile lies: its directory, opened and judged, and the file, opened and judged by descriptor.

use crate::directory::{OTHERS_WRITE, Purpose, describe, kind, open_directory, open_foreign_directory};
use crate::error::{Error, ErrorKind, Result, cause};
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, geteuid, unlinkat};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The name of a pidfile in its open directory.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Opened again when it is needed after [`Place::close_directory`].
    directory: Option<OwnedFd>,
    name: OsString,
    /// The directory is one like `/tmp`, where everybody may make files: only our own are trusted.
    shared: bool,
    /// The other user to whom the directory belongs, where root looks at it: only that user's file is trusted.
    foreign: Option<Uid>,
}

impl Place {
    /// Opens the directory of `path` and judges it, and for root all those above it.
    pub(crate) fn open(path: &Path) -> Result<Place> {
        let (parent, name) = parts(path)?;
        let (directory, shared) = open_directory(parent, Purpose::PidFile).map_err(|why| inaccessible(path, why))?;
        Ok(Place { path: path.to_owned(), directory: Some(directory), name, shared, foreign: None })
    }

    /// Opens the directory of `path` to act on the daemon of a file that exists. Root may look into another user's.
    pub(crate) fn open_existing(path: &Path) -> Result<Place> {
        let (parent, name) = parts(path)?;
        let ((directory, shared), foreign) = open_foreign_directory(parent).map_err(|why| inaccessible(path, why))?;
        Ok(Place { path: path.to_owned(), directory: Some(directory), name, shared, foreign })
    }

    /// The other user as whom the process of this file has to run.
    pub(crate) fn foreign(&self) -> Option<Uid> {
        self.foreign
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
    pub(crate) fn create(&self) -> Result<File> {
        let file =
            self.open_file(OFlag::O_RDONLY | OFlag::O_CREAT)?.ok_or_else(|| inaccessible(&self.path, "it vanished"))?;
        self.judge(&file)?;
        Ok(file)
    }

    /// Gives the locked file its mode, whatever umask it was made under.
    pub(crate) fn set_mode(&self, file: &File, mode: u32) -> Result<()> {
        let failed = |errno: nix::Error| inaccessible(&self.path, cause(&errno.into()));
        let status = fstat(file).map_err(failed)?;
        if status.st_mode & 0o7777 != mode && status.st_uid == geteuid().as_raw() {
            fchmod(file, Mode::from_bits_truncate(mode)).map_err(failed)?;
        }
        Ok(())
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

    /// A regular file with one name, of root or of us (or of the owner of a foreign directory), that nobody else can write.
    pub(crate) fn judge(&self, file: &File) -> Result<FileStat> {
        let status = fstat(file).map_err(|errno| inaccessible(&self.path, cause(&errno.into())))?;
        let owner = Uid::from_raw(status.st_uid);
        let refuse = |why: String| Err(distrusted(&self.path, why));
        let trusted = match self.foreign {
            Some(user) => owner == user,
            None => owner == geteuid() || (owner.is_root() && !self.shared),
        };
        match kind(&status) {
            SFlag::S_IFREG if status.st_nlink > 1 => refuse("it has more than one name (hard links)".into()),
            SFlag::S_IFREG if !trusted => refuse(format!("it belongs to {}", describe(owner))),
            SFlag::S_IFREG if status.st_mode & OTHERS_WRITE != 0 => {
                refuse(format!("others than its owner can write it (mode {:04o})", status.st_mode & 0o7777))
            }
            SFlag::S_IFREG => Ok(status),
            SFlag::S_IFDIR => refuse("it is a directory".into()),
            _ => refuse("it is not a regular file".into()),
        }
    }
}

/// The directory and the name of a file in it.
fn parts(path: &Path) -> Result<(&Path, OsString)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name.to_owned())),
        _ => Err(inaccessible(path, "it names no file")),
    }
}

fn same(one: nix::Result<FileStat>, other: nix::Result<FileStat>) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

pub(crate) fn inaccessible(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(ErrorKind::PidFileInaccessible, "open pidfile", path.display(), why)
}

pub(crate) fn distrusted(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(ErrorKind::PidFile, "use pidfile", path.display(), why)
}
