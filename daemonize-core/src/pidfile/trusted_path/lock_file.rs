//! The lock file of a pidfile: `NAME.pid.lock`, which carries the lock and nothing else.

use super::TrustedPath;
use crate::error::Result;
use crate::sys::trust::OTHERS_OPEN;
use nix::fcntl::OFlag;
use std::fs::File;

/// The mode of a lock file.
const LOCK_MODE: u32 = 0o600;

impl TrustedPath {
    /// Opens the lock file read-only, creates it with mode 0600 if it is missing, and checks it. The flag is `true` if this call
    /// created it.
    pub(crate) fn open_lock(&self) -> Result<(File, bool)> {
        let name = self.lock_name();
        loop {
            // `O_EXCL` first, to know whether this call created the file and may remove it again.
            if let Some(file) = self.open_file(&name, OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_EXCL, LOCK_MODE)? {
                let made = self.set_mode(&name, &file, LOCK_MODE);
                return made.inspect_err(|_| self.remove_lock()).map(|()| (file, true));
            }
            if let Some(file) = self.open_existing_lock()? {
                return Ok((file, false));
            }
        }
    }

    /// Opens the lock file read-only and checks it; `None` if there is none.
    pub(crate) fn open_existing_lock(&self) -> Result<Option<File>> {
        let file = self.open_file(&self.lock_name(), OFlag::O_RDONLY, 0)?;
        if let Some(file) = &file {
            self.check_lock_file(file)?;
        }
        Ok(file)
    }

    /// Returns `true` if the lock's name still leads to this open file.
    pub(crate) fn is_current(&self, lock: &File) -> bool {
        self.leads_to(&self.lock_name(), lock)
    }

    /// Returns `true` if there is a lock file.
    pub(crate) fn has_lock(&self) -> bool {
        self.has(&self.lock_name())
    }

    /// Removes the lock file that this process has just created and could not lock.
    pub(crate) fn remove_lock(&self) {
        let _ = self.unlink(&self.lock_name());
    }

    /// Refuses a lock file that another user can open, and therefore lock.
    pub(crate) fn check_lock_file(&self, file: &File) -> Result<()> {
        self.check(&self.lock_path(), file, OTHERS_OPEN)
    }
}
