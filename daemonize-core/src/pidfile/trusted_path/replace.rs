//! Creates a pidfile, or replaces it with one `rename(2)`.

use super::{TrustedPath, permissions, status_of, unlink};
use crate::error::{Result, cause};
use crate::pidfile::path_errors::{inaccessible, untrusted};
use crate::pidfile::reading::Reading;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::fchmod;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::fs::File;
use std::io::{self, Write};

impl TrustedPath {
    /// Creates an empty pidfile, in place of the stale one that was read. The lock is held.
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
        let file = file.ok_or_else(|| untrusted(&self.path, "another program has just created it"))?;
        let outcome = self.set_mode(&self.name, &file, mode);
        outcome.inspect_err(|_| drop(self.unlink(&self.name)))
    }

    /// Replaces the pidfile: writes the content to `NAME.pid.new`, then renames it over the pidfile. The lock is held.
    pub(crate) fn replace(&self, content: &[u8], mode: u32) -> io::Result<()> {
        let mut file = self.create_temporary(mode)?;
        // One `write(2)`: a partial write means a full disk.
        let whole = file
            .write(content)
            .and_then(|length| if length == content.len() { Ok(()) } else { Err(nix::Error::ENOSPC.into()) });
        let written = whole.and_then(|()| Ok(fchmod(&file, permissions(mode))?)).and_then(|()| self.install());
        written.inspect_err(|_| drop(self.remove_temporary()))
    }

    /// Creates the temporary file that [`TrustedPath::install`] renames over this one, and opens it for writing.
    pub(in super::super) fn create_temporary(&self, mode: u32) -> io::Result<File> {
        self.in_directory(|directory| {
            let temporary = self.temporary_name();
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let open = || openat(directory, temporary.as_os_str(), flags, permissions(mode));
            let file = match open() {
                Err(nix::Error::EEXIST) => {
                    // Left by a start that was killed during its write: only the holder of the lock writes here.
                    unlinkat(directory, temporary.as_os_str(), UnlinkatFlags::NoRemoveDir)?;
                    open()?
                }
                other => other?,
            };
            Ok(File::from(file))
        })
    }

    /// Renames the temporary file over the file.
    pub(in super::super) fn install(&self) -> io::Result<()> {
        let temporary = self.temporary_name();
        self.in_directory(|directory| Ok(renameat(directory, temporary.as_os_str(), directory, self.name.as_os_str())?))
    }

    /// Removes the temporary file.
    pub(in super::super) fn remove_temporary(&self) -> io::Result<()> {
        self.unlink(&self.temporary_name())
    }
}
