//! Takes over a lock that is held already: by this process for itself, or by another process of the daemon.

use super::PidFile;
use super::lock::try_lock;
use super::lock_errors::already_running;
use super::path_errors::{inaccessible, untrusted};
use super::replaceable::living_daemon;
use super::trusted_path::TrustedPath;
use crate::error::{Result, cause};
use crate::pid::Pid;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

impl PidFile {
    /// Takes over a lock of which another process of this daemon has passed a copy, and empties the pidfile, which may name that
    /// process. Returns `None` if the descriptor is not that of the lock file, or does not hold the lock.
    pub(crate) fn inherit(path: &Path, mode: u32, lock: OwnedFd) -> Result<Option<PidFile>> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let (trusted, lock) = (TrustedPath::open(path)?, File::from(lock));
        // `flock(2)` succeeds again on the open file description that holds the lock, and on no other.
        if !trusted.is_current(&lock) || !try_lock(&lock).is_ok_and(|free| free) {
            return Ok(None);
        }
        trusted.check_lock_file(&lock)?;
        let stale = trusted.read()?;
        living_daemon(path, stale.as_ref(), "replacing")?;
        trusted.create_empty(stale.as_ref(), mode)?;
        Ok(Some(PidFile { trusted, mode, lock, sealed: None, owner: Some(Pid::this()), last_words: None }))
    }

    /// Empties a file that this process has locked, and may have written, for a daemon that is to be started.
    pub(crate) fn empty_for_daemon(mut self, mode: u32) -> Result<PidFile> {
        if !self.is_held() {
            return Err(untrusted(self.path(), "its lock file was moved or replaced after it was locked"));
        }
        match self.owner {
            Some(owner) if owner == Pid::this() => {}
            Some(owner) => return Err(already_running(self.path(), owner)),
            None => return Err(untrusted(self.path(), "it belongs to another process")),
        }
        let stale = self.trusted.read()?;
        living_daemon(self.path(), stale.as_ref(), "replacing")?;
        self.trusted.create_empty(stale.as_ref(), mode)?;
        (self.sealed, self.mode) = (None, mode);
        Ok(self)
    }
}
