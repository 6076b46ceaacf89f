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

/// The shortest wait for a lock that no daemon holds: another start, stop or cleanup holds it for a moment.
pub(crate) const MIN_LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// The outcome of one attempt to take the lock.
enum Attempt {
    Taken(Box<PidFile>),
    /// The lock file was removed or replaced between open and lock.
    Replaced,
    /// This daemon is running and holds the lock.
    Daemon(Pid),
    /// This daemon is running, although the lock was free.
    Unlocked(Pid),
    /// Another process holds the lock; with the state of the process that the pidfile names.
    Busy(TrustedPath, File, String),
}

impl Attempt {
    /// Returns the error of a start whose wait for the lock timed out.
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
        PidFile::acquire_with_retries(path, mode, timeout, first)
    }

    /// Waits for a lock that is held, or whose file is being replaced.
    fn acquire_with_retries(path: &Path, mode: u32, timeout: Duration, first: Attempt) -> Result<PidFile> {
        let (start, mut first) = (Instant::now(), Some(first));
        let (mut pause, mut replaced) = (Duration::from_millis(1), false);
        loop {
            let busy = match first.take().map_or_else(|| PidFile::attempt(path, mode), Ok)? {
                Attempt::Taken(taken) => return Ok(*taken),
                // No process holds a lock file that was removed, so there is nothing to wait for. One retry even after the
                // timeout, which may have passed while this process was suspended.
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

    /// Opens the lock file, locks it, checks that its path still leads to it, and empties the pidfile (P1 to P5).
    fn attempt(path: &Path, mode: u32) -> Result<Attempt> {
        let trusted = TrustedPath::open(path)?;
        let (lock, created) = trusted.open_lock()?;
        let free = match try_lock(&lock) {
            Ok(free) => free,
            Err(error) => {
                // Without locks in this file system, no process can hold this one. `ENOMEM` does not imply that.
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
        let refusal = PidFile::replace_by_empty(&trusted, mode);
        if created && !matches!(refusal, Ok(None)) {
            // Only the lock file that this attempt has created.
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

    /// Replaces the pidfile by an empty one, or returns the reason for which it must stay. The lock is held.
    fn replace_by_empty(trusted: &TrustedPath, mode: u32) -> Result<Option<Attempt>> {
        let stale = trusted.read()?;
        match living_daemon(trusted.path(), stale.as_ref(), "replacing")? {
            // The daemon is exiting and could not remove its file; or its lock file was removed; or the locks of this file
            // system have no effect between hosts. (A program that replaced itself by `execve(2)` keeps its pid.)
            Some(pid) if pid != Pid::this() => Ok(Some(Attempt::Unlocked(pid))),
            _ => trusted.create_empty(stale.as_ref(), mode).map(|()| None),
        }
    }

    /// Refuses a file that a start never replaces, before the lock is taken. A file that cannot be read is checked under the
    /// lock.
    pub(crate) fn check_replaceable(path: &Path) -> Result<()> {
        match PidFile::probe(path) {
            Ok(probe) => living_daemon(path, probe.reading(), "replacing").map(drop),
            Err(_) => Ok(()),
        }
    }
}

/// Calls `flock(2)` with `LOCK_EX | LOCK_NB`. Returns `true` if the lock was free.
///
/// Never a blocking call: it has no timeout, and waiters are not served in order.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}
