//! Locks a pidfile (rules P1 to P5): `flock(2)` on its lock file, with a bounded wait.

use super::PidFile;
use super::holder::Holder;
use super::lock_errors::{already_running, locked, locking_failed};
use super::path_errors::inaccessible;
use super::replaceable::living_daemon;
use super::trusted_path::TrustedPath;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use crate::sys::error::errno;
use fs2::FileExt;
use nix::errno::Errno;
use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The least time for which a lock that no daemon holds is waited for: another start, stop or cleaner in passing.
pub(crate) const MIN_LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// The outcome of one try to take the lock.
enum Attempt {
    Taken(Box<PidFile>),
    Replaced,
    Daemon(Pid),
    /// A living daemon's, and yet the lock was free.
    Unlocked(Pid),
    /// The lock that another process holds, and what the pidfile says.
    Busy(TrustedPath, File, String),
}

impl Attempt {
    /// The error of a start that has waited long enough.
    fn error(self, path: &Path) -> Error {
        match self {
            Attempt::Daemon(pid) | Attempt::Unlocked(pid) => already_running(path, pid),
            Attempt::Busy(trusted, lock, why) => locked(&trusted, &lock, &why),
            Attempt::Replaced | Attempt::Taken(_) => Error::failed(
                ErrorKind::Locked,
                "lock pidfile",
                path.display(),
                "its lock file is being replaced repeatedly",
            ),
        }
    }
}

impl PidFile {
    /// As [`acquire`](PidFile::acquire), with the mode of the pidfile.
    pub(crate) fn acquire_with(path: &Path, mode: u32, timeout: Duration) -> Result<PidFile> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let first = match PidFile::attempt(path, mode)? {
            Attempt::Taken(taken) => return Ok(*taken),
            other => other,
        };
        PidFile::acquire_again(path, mode, timeout, first)
    }

    /// Waits for a lock that was not free, or whose file was being replaced.
    fn acquire_again(path: &Path, mode: u32, timeout: Duration, first: Attempt) -> Result<PidFile> {
        let (start, mut first) = (Instant::now(), Some(first));
        let (mut pause, mut replaced) = (Duration::from_millis(1), false);
        loop {
            let busy = match first.take().map_or_else(|| PidFile::attempt(path, mode), Ok)? {
                Attempt::Taken(taken) => return Ok(*taken),
                // Removed between open and lock: no process holds it, so there is nothing to wait for. Once more even when
                // time is up: it may have passed while this process was not running.
                Attempt::Replaced if !replaced || start.elapsed() < timeout.max(MIN_LOCK_TIMEOUT) => {
                    replaced = true;
                    continue;
                }
                Attempt::Daemon(pid) if start.elapsed() >= timeout => return Err(already_running(path, pid)),
                busy => busy,
            };
            if start.elapsed() >= timeout.max(MIN_LOCK_TIMEOUT) {
                return Err(busy.error(path));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// P1 to P5: opens the lock file, locks it, looks whether its path still leads there, and empties the pidfile.
    fn attempt(path: &Path, mode: u32) -> Result<Attempt> {
        let trusted = TrustedPath::open(path)?;
        let (lock, created) = trusted.open_lock()?;
        let free = match try_lock(&lock) {
            Ok(free) => free,
            Err(error) => {
                // A file system without locks: no process can hold this one. Out of memory says nothing of that kind.
                if created && errno(&error) != Some(Errno::ENOMEM) {
                    trusted.remove_lock();
                }
                return Err(locking_failed(&trusted, &error));
            }
        };
        if !trusted.is_current(&lock) {
            return Ok(Attempt::Replaced);
        }
        if !free {
            let holder = trusted.read()?.map_or(Ok(Holder::Nothing), |reading| reading.holder());
            return Ok(match holder {
                Ok(Holder::Alive(identity)) => Attempt::Daemon(identity.pid),
                Ok(holder) => Attempt::Busy(trusted, lock, format!("{holder}")),
                Err(error) => Attempt::Busy(trusted, lock, cause(&error)),
            });
        }
        let refusal = PidFile::empty(&trusted, mode);
        if created && !matches!(refusal, Ok(None)) {
            // Only what this attempt has made.
            let _ = trusted.remove(&lock, false, |_| false);
        }
        if let Some(refusal) = refusal? {
            return Ok(refusal);
        }
        Ok(Attempt::Taken(Box::new(PidFile {
            trusted,
            mode,
            lock,
            sealed: None,
            owner: Some(Pid::this()),
            last_words: None,
        })))
    }

    /// The lock is held: makes the pidfile an empty one, or returns why it must not be replaced all the same.
    fn empty(trusted: &TrustedPath, mode: u32) -> Result<Option<Attempt>> {
        let stale = trusted.read()?;
        match living_daemon(trusted.path(), stale.as_ref(), "replacing")? {
            // It is just ending and could not remove its file; or its lock file was removed; or this file system's locks
            // keep no process out. (A program that has replaced itself by exec is no other process.)
            Some(pid) if pid != Pid::this() => Ok(Some(Attempt::Unlocked(pid))),
            _ => trusted.create_empty(stale.as_ref(), mode).map(|()| None),
        }
    }

    /// Refuses a file that no start replaces, before there is a lock. One that cannot be read is judged under the lock.
    pub(crate) fn check_replaceable(path: &Path) -> Result<()> {
        match PidFile::probe(path) {
            Ok(probe) => living_daemon(path, probe.reading(), "replacing").map(drop),
            Err(_) => Ok(()),
        }
    }
}

/// `flock(LOCK_EX | LOCK_NB)`; returns `true` if it was free. Never a blocking one, which starves and makes losers wait.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}
