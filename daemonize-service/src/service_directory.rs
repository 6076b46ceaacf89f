//! A directory with service files: opened once and judged, and written, read and emptied relative to the descriptor.

use crate::manager_kind::Manager;
use crate::service_error::{ServiceError, ServiceErrorKind};
use daemonize_sys::error::{cause, failed};
use daemonize_sys::trust::directory::{DirectoryPolicy, open_directory};
use daemonize_sys::trust::{FilePolicy, OTHERS_WRITE, SAFE_FLAGS, root_and_self};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{LinkatFlags, UnlinkatFlags, fsync, linkat, unlinkat};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The largest file that is read: every file of ours is smaller.
const MAX_FILE: u64 = 1024 * 1024;

/// The mode of a directory that is made.
const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o755);

/// An open directory that no other user can write.
#[derive(Debug)]
pub(crate) struct ServiceDirectory {
    path: PathBuf,
    fd: OwnedFd,
}

/// An entry of a directory of services.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DirectoryEntry {
    /// No file of this name.
    Missing,
    /// A regular file of root or of this user that no other user can write, with its content.
    Text(String),
    /// Anything else, with what it is.
    Other(String),
}

impl ServiceDirectory {
    /// Opens a directory; `None` if it is missing.
    ///
    /// # Errors
    /// Returns an error if another user could write it, or, for root, a directory above it.
    pub(crate) fn open(path: &Path) -> Result<Option<ServiceDirectory>, ServiceError> {
        if matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let opened = open_directory(path, DirectoryPolicy::PidFile);
        let directory = opened.map_err(|why| refused(format!("failed to open the directory of services {why}")))?;
        Ok(Some(ServiceDirectory { path: path.to_owned(), fd: directory.fd }))
    }

    /// Opens a directory, and makes it and what is missing above it, with mode 0755.
    pub(crate) fn make(path: &Path) -> Result<ServiceDirectory, ServiceError> {
        if let Some(directory) = ServiceDirectory::open(path)? {
            return Ok(directory);
        }
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(refused(format!("`{}` is not a directory", path.display())));
        };
        let above = ServiceDirectory::make(above)?;
        match mkdirat(&above.fd, name, DIRECTORY_MODE) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(error("make the directory", path, errno)),
        }
        let made = ServiceDirectory::open(path)?.ok_or_else(|| error("open the directory", path, Errno::ENOENT))?;
        // O_PATH descriptors of root cannot be changed; the umask of the caller may have been narrow.
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | SAFE_FLAGS;
        let fd =
            openat(&above.fd, name, flags, Mode::empty()).map_err(|errno| error("open the directory", path, errno))?;
        fchmod(&fd, DIRECTORY_MODE).map_err(|errno| error("change the mode of", path, errno))?;
        Ok(made)
    }

    /// Returns what is under a name.
    pub(crate) fn read(&self, name: &str) -> Result<DirectoryEntry, ServiceError> {
        let path = self.path.join(name);
        let fd = match openat(&self.fd, name, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::ENOENT) => return Ok(DirectoryEntry::Missing),
            Err(Errno::ELOOP) => return Ok(DirectoryEntry::Other("it is a symbolic link".into())),
            Err(errno) => return Err(error("open", &path, errno)),
        };
        let status = fstat(&fd).map_err(|errno| error("look at", &path, errno))?;
        let owners = root_and_self();
        let policy =
            FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: false, forbidden: OTHERS_WRITE };
        if let Err(distrust) = policy.check(&status) {
            return Ok(DirectoryEntry::Other(distrust.to_string()));
        }
        let mut text = Vec::new();
        let read = File::from(fd).take(MAX_FILE + 1).read_to_end(&mut text);
        read.map_err(|failure| refused(failed("read", path.display(), cause(&failure))))?;
        match String::from_utf8(text) {
            Ok(text) if text.len() as u64 <= MAX_FILE => Ok(DirectoryEntry::Text(text)),
            _ => Ok(DirectoryEntry::Other("it is not a text of at most 1 MiB".into())),
        }
    }

    /// Puts a file under a name, in place of what was there, in one step (`rename(2)`), and waits until it is on the disk (`fsync(2)`).
    pub(crate) fn write(&self, name: &str, content: &str, mode: u32) -> Result<(), ServiceError> {
        let path = self.path.join(name);
        let failed = |verb: &str, errno: Errno| error(verb, &path, errno);
        let temporary = format!(".{name}.{}.new", std::process::id());
        // Of a process that was killed, whose pid this process has now.
        let _ = unlinkat(&self.fd, &*temporary, UnlinkatFlags::NoRemoveDir);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | SAFE_FLAGS;
        let fd = openat(&self.fd, &*temporary, flags, Mode::from_bits_truncate(0o600))
            .map_err(|errno| failed("create", errno))?;
        let mut file = File::from(fd);
        let written = file
            .write_all(content.as_bytes())
            .and_then(|()| fchmod(&file, Mode::from_bits_truncate(mode)).map_err(Into::into))
            .and_then(|()| file.sync_all())
            .and_then(|()| renameat(&self.fd, &*temporary, &self.fd, name).map_err(Into::into));
        if let Err(failure) = written {
            let _ = unlinkat(&self.fd, &*temporary, UnlinkatFlags::NoRemoveDir);
            return Err(refused(daemonize_sys::error::failed("write", path.display(), cause(&failure))));
        }
        self.sync();
        Ok(())
    }

    /// Removes a file; it may be missing.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ServiceError> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {
                self.sync();
                Ok(())
            }
            Err(errno) => Err(error("remove", &self.path.join(name), errno)),
        }
    }

    /// Renames a file to `NAME.old`, unless there is one.
    pub(crate) fn keep_old(&self, name: &str) -> Result<PathBuf, ServiceError> {
        let old = format!("{name}.old");
        let kept = self.path.join(&old);
        // linkat(2) does not replace what is there, unlike renameat(2).
        linkat(&self.fd, name, &self.fd, &*old, LinkatFlags::empty())
            .map_err(|errno| error("keep the edited file as", &kept, errno))?;
        self.remove(name)?;
        Ok(kept)
    }

    /// Makes the change of an entry durable. A file system without this is no reason to fail.
    fn sync(&self) {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        if let Ok(fd) = openat(self.fd.as_fd(), ".", flags, Mode::empty()) {
            let _ = fsync(fd);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Splits a path into directory and name.
pub(crate) fn split(path: &Path) -> (PathBuf, String) {
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    (directory, path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// Removes the directories of the files of a service directory, with what a supervisor has left there. Returns those in which other files are.
pub(crate) fn remove_directories<'a>(manager: Manager, files: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    if !matches!(manager, Manager::S6 | Manager::Runit) {
        return Vec::new();
    }
    let mut directories: Vec<PathBuf> = files.filter_map(Path::parent).map(Path::to_owned).collect();
    // The deepest first.
    directories.sort_by_key(|directory| std::cmp::Reverse(directory.components().count()));
    directories.dedup();
    directories.retain(|directory| {
        for state in ["supervise", "event"] {
            let _ = fs::remove_dir_all(directory.join(state));
        }
        unlinkat(AT_FDCWD, directory.as_path(), UnlinkatFlags::RemoveDir).is_err() && directory.exists()
    });
    directories
}

fn error(verb: &str, path: &Path, errno: Errno) -> ServiceError {
    let kind = match errno {
        Errno::EACCES | Errno::EPERM | Errno::EROFS => ServiceErrorKind::Permission,
        _ => ServiceErrorKind::Failed,
    };
    ServiceError::new(kind, failed(verb, path.display(), cause(&errno.into())))
}

fn refused(text: String) -> ServiceError {
    ServiceError::new(ServiceErrorKind::Failed, text)
}
