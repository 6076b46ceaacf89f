//! Other files of the same daemon beside its pidfile.

use super::{TrustedPath, permissions, refusal};
use crate::error::cause;
use crate::sys::trust::{OTHERS_WRITE, SAFE_FLAGS};
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::ffi::OsString;
use std::fs::File;
use std::io;

/// The blocks and inodes that a file system must have free for a file that is not indispensable.
const SPARE: u8 = 16;

impl TrustedPath {
    /// Returns the place of another file of the same daemon in the same directory, with which it is used as a pidfile is.
    pub(in super::super) fn sibling(&self, name: OsString) -> io::Result<TrustedPath> {
        let directory = self.opened_directory()?;
        let path = self.path.with_file_name(&name);
        Ok(TrustedPath { path, directory: Some(directory), name, shared: self.shared, foreign: self.foreign })
    }

    /// Returns `true` if no other user can make or move files in the directory.
    pub(in super::super) fn is_private(&self) -> bool {
        !self.shared && self.foreign.is_none()
    }

    /// Returns `false` if the file system is nearly full: what is not indispensable must leave it to the pidfile.
    pub(in super::super) fn has_room(&self) -> bool {
        let status = self.in_directory(|directory| Ok(fstatvfs(directory)?));
        // A count of 0 is that of a file system without limit (`tmpfs` with `size=0`), or one that makes inodes as it needs them.
        status.is_ok_and(|status| {
            let has_blocks = status.blocks() == 0 || status.blocks_available() >= SPARE.into();
            has_blocks && (status.files() == 0 || status.files_available() >= SPARE.into())
        })
    }

    /// Makes a file that is going to replace this one by [`TrustedPath::install`], open for writing.
    pub(in super::super) fn create_successor(&self, mode: u32) -> io::Result<File> {
        self.in_directory(|directory| {
            let temporary = self.temporary_name();
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let open = || openat(directory, temporary.as_os_str(), flags, permissions(mode));
            let file = match open() {
                Err(nix::Error::EEXIST) => {
                    // A start that was killed while it wrote left it: only the holder of the lock writes here.
                    unlinkat(directory, temporary.as_os_str(), UnlinkatFlags::NoRemoveDir)?;
                    open()?
                }
                other => other?,
            };
            Ok(File::from(file))
        })
    }

    /// Puts what [`TrustedPath::create_successor`] made in place of the file.
    pub(in super::super) fn install(&self) -> io::Result<()> {
        let temporary = self.temporary_name();
        self.in_directory(|directory| Ok(renameat(directory, temporary.as_os_str(), directory, self.name.as_os_str())?))
    }

    /// Removes what [`TrustedPath::create_successor`] made.
    pub(in super::super) fn remove_successor(&self) -> io::Result<()> {
        self.unlink(&self.temporary_name())
    }

    /// Removes the file; one that is gone already is no error.
    pub(in super::super) fn remove_file(&self) -> io::Result<()> {
        self.unlink(&self.name)
    }

    /// Opens the file for reading, and judges it as a pidfile; but where only root makes files it may belong to any user,
    /// to which root has given it then. `None` if there is none, or if this user may not read it.
    pub(in super::super) fn open_given(&self) -> Result<Option<File>, String> {
        let opened =
            self.in_directory(|directory| Ok(openat(directory, self.name.as_os_str(), SAFE_FLAGS, Mode::empty())));
        let file = match opened.map_err(|error| cause(&error))? {
            Ok(fd) => File::from(fd),
            Err(nix::Error::ENOENT | nix::Error::EACCES) => return Ok(None),
            Err(errno) => return Err(refusal(errno).map_or_else(|| cause(&errno.into()), str::to_owned)),
        };
        self.judge_owned(&file, OTHERS_WRITE, self.is_private() && geteuid().is_root())?;
        Ok(Some(file))
    }

    /// Returns `true` if there is a file of this name, of whatever kind.
    pub(in super::super) fn exists(&self) -> bool {
        self.has(&self.name)
    }
}
