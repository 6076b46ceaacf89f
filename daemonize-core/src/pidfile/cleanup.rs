//! Removing what a dead daemon or a killed start has left.

use super::errors::{describe_holder, find_living, locking_failed};
use super::last_words::{self, forget};
use super::probe::Probe;
use super::trusted_path::TrustedPath;
use super::try_lock;
use crate::error::{Error, ErrorKind, Result, cause};
use std::path::Path;

/// Which last words a cleaner removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forget {
    /// The words of a daemon that failed stay: the caller has not seen them.
    Successes,
    All,
}

/// Removes a pidfile whose daemon is dead, its lock file and its last words, but not in another user's directory. Returns
/// what keeps it from that: a process that holds the lock, or a daemon that lives.
pub(crate) fn clean(path: &Path, words: Forget) -> Result<Option<String>> {
    let target = TrustedPath::open_existing(path)?;
    if target.foreign().is_some() {
        return find_holder(&target);
    }
    let (lock, created) = target.open_lock()?;
    if !try_lock(&lock).map_err(|error| locking_failed(&target, &error))? {
        return Ok(Some(describe_holder(&target, &lock)));
    }
    if !target.is_current(&lock) {
        return Ok(Some("its lock file was replaced".to_owned()));
    }
    let living = target.read().and_then(|reading| find_living(path, reading.as_ref(), "removing"));
    let obstacle = living.map(|pid| pid.map(|pid| format!("pid {pid} is alive")));
    let stale = matches!(obstacle, Ok(None));
    if stale {
        forget(&target, words == Forget::All);
    }
    // A lock file that only this call has made goes again in any case.
    let removed = if stale || created { target.remove(&lock, false, |_| stale) } else { Ok(()) };
    let obstacle = obstacle?;
    removed
        .map_err(|error| Error::failed(ErrorKind::PidFile, "remove stale pidfile", path.display(), cause(&error)))?;
    Ok(obstacle)
}

/// Removes a lock file without a pidfile, which a killed start has left, and last words. Returns the process that holds the
/// lock, if one does. `probe` has found no pidfile.
pub(crate) fn clean_lock(probe: &Probe, words: Forget) -> Result<Option<String>> {
    let Some(target) = probe.target() else { return Ok(None) };
    let has_words = words == Forget::All && target.foreign().is_none() && last_words::exist(target);
    if has_words || target.has_lock() { clean(target.path(), words) } else { Ok(None) }
}

/// In another user's directory: makes nothing, since a lock file of root's would keep that user from starting, and removes
/// nothing, which the user's next start does. Returns what keeps a daemon from being known to be stopped.
fn find_holder(target: &TrustedPath) -> Result<Option<String>> {
    let Some(lock) = target.open_existing_lock()? else { return Ok(None) };
    if !try_lock(&lock).map_err(|error| locking_failed(target, &error))? {
        return Ok(Some(describe_holder(target, &lock)));
    }
    Ok((!target.is_current(&lock)).then(|| "its lock file was replaced".to_owned()))
}
