//! Other files of the same daemon in the directory of its pidfile.

use super::{TrustedPath, refusal};
use crate::error::cause;
use crate::sys::trust::{OTHERS_WRITE, SAFE_FLAGS};
use nix::fcntl::openat;
use nix::sys::stat::Mode;
use nix::sys::statvfs::fstatvfs;
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::fs::File;
use std::io;

/// The free blocks and inodes that a file system must have before an optional file is created.
const SPARE: u8 = 16;

impl TrustedPath {
    /// Returns the path of another file in the same directory, under the same rules of trust.
    pub(in super::super) fn sibling(&self, name: OsString) -> io::Result<TrustedPath> {
        let directory = self.opened_directory()?;
        let path = self.path.with_file_name(&name);
        Ok(TrustedPath { path, directory: Some(directory), name, shared: self.shared, foreign: self.foreign })
    }

    /// Returns `true` if no other user can create or rename files in the directory.
    pub(in super::super) fn is_private(&self) -> bool {
        !self.shared && self.foreign.is_none()
    }

    /// Returns `false` if the file system is nearly full: its rest is reserved for the pidfile.
    pub(in super::super) fn has_room(&self) -> bool {
        let status = self.in_directory(|directory| Ok(fstatvfs(directory)?));
        // A total of 0 means no limit (`tmpfs` with `size=0`), or a file system that allocates inodes dynamically.
        status.is_ok_and(|status| {
            let has_blocks = status.blocks() == 0 || status.blocks_available() >= SPARE.into();
            has_blocks && (status.files() == 0 || status.files_available() >= SPARE.into())
        })
    }

    /// Removes the file. A missing file is not an error.
    pub(in super::super) fn remove_file(&self) -> io::Result<()> {
        self.unlink(&self.name)
    }

    /// Opens the file for reading, and checks it as a pidfile. In a private directory of root, it may belong to any user: root has
    /// created it for that user. Returns `None` if there is no file, or if this user may not read it.
    pub(in super::super) fn open_for_reader(&self) -> Result<Option<File>, String> {
        let opened =
            self.in_directory(|directory| Ok(openat(directory, self.name.as_os_str(), SAFE_FLAGS, Mode::empty())));
        let file = match opened.map_err(|error| cause(&error))? {
            Ok(fd) => File::from(fd),
            Err(nix::Error::ENOENT | nix::Error::EACCES) => return Ok(None),
            Err(errno) => return Err(refusal(errno).map_or_else(|| cause(&errno.into()), str::to_owned)),
        };
        self.check_owner(&file, OTHERS_WRITE, self.is_private() && geteuid().is_root())?;
        Ok(Some(file))
    }

    /// Returns `true` if there is a file of this name, of whatever kind.
    pub(in super::super) fn exists(&self) -> bool {
        self.has(&self.name)
    }
}
