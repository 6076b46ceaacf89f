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
    /// Takes over the lock of which another process of this daemon's has given a copy, and empties the pidfile, which may
    /// name that process; `None` if the copy is not of this path's lock file, or does not hold its lock.
    pub(crate) fn inherit(path: &Path, mode: u32, lock: OwnedFd) -> Result<Option<PidFile>> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let (trusted, lock) = (TrustedPath::open(path)?, File::from(lock));
        // A description that holds the lock gets it once more; one of another file does not.
        if !trusted.is_current(&lock) || !try_lock(&lock).is_ok_and(|free| free) {
            return Ok(None);
        }
        trusted.judge_lock(&lock)?;
        let stale = trusted.read()?;
        living_daemon(path, stale.as_ref(), "replacing")?;
        trusted.create_empty(stale.as_ref(), mode)?;
        Ok(Some(PidFile { trusted, mode, lock, sealed: None, owner: Some(Pid::this()), last_words: None }))
    }

    /// Empties the file that this process has locked, whatever it has written there, for a daemon that is to be started.
    pub(crate) fn empty_again(mut self, mode: u32) -> Result<PidFile> {
        if !self.is_held() {
            return Err(untrusted(self.path(), "its lock file was moved or replaced after it was locked"));
        }
        match self.owner {
            Some(owner) if owner == Pid::this() => {}
            Some(owner) => return Err(already_running(self.path(), owner)),
            None => return Err(untrusted(self.path(), "it was given to another process")),
        }
        let stale = self.trusted.read()?;
        living_daemon(self.path(), stale.as_ref(), "replacing")?;
        self.trusted.create_empty(stale.as_ref(), mode)?;
        (self.sealed, self.mode) = (None, mode);
        Ok(self)
    }
}
