//! Removes a pidfile and its lock file under the lock (rule P9).

use super::PidFile;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use std::io;

impl PidFile {
    /// Removes the pidfile and its lock file, if they still belong to this process, and releases the lock.
    ///
    /// # Errors
    /// If a file cannot be removed (a read-only file system). The file is stale then, and the next start replaces it.
    pub fn release(self) -> Result<()> {
        let path = self.trusted.path().to_owned();
        self.remove()
            .map_err(|error| Error::failed(ErrorKind::PidFile, "remove pidfile", path.display(), cause(&error)))
    }

    /// Removes both files under the lock (P9).
    fn remove(mut self) -> io::Result<()> {
        self.owner = None;
        self.remove_files()
    }

    fn remove_files(&self) -> io::Result<()> {
        self.discard_prepared_last_words();
        self.trusted.remove(&self.lock, self.sealed.is_some(), |reading| reading.is_removable(self.sealed.as_ref()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.owner.is_some_and(|owner| owner == Pid::this()) {
            let _ = self.remove_files();
        }
    }
}
