//! Removes stale files: of a daemon that was killed, or of a start that was killed.

use super::last_words::{self, forget};
use super::lock::try_lock;
use super::lock_errors::{describe_holder, locking_failed};
use super::probe::Probe;
use super::replaceable::living_daemon;
use super::trusted_path::TrustedPath;
use crate::error::{Error, ErrorKind, Result, cause};
use std::path::Path;

/// The last words that a cleanup removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastWordsCleanup {
    /// Those of a daemon that exited with status 0. Others stay, as the user has not read them.
    Successes,
    All,
}

/// Removes a pidfile whose daemon is dead, its lock file and its last words, but not in the directory of another user. Returns
/// the obstacle, if there is one: a process that holds the lock, or a daemon that is alive.
pub(crate) fn clean(path: &Path, words: LastWordsCleanup) -> Result<Option<String>> {
    let trusted = TrustedPath::open_existing(path)?;
    if trusted.foreign().is_some() {
        return find_holder(&trusted);
    }
    let (lock, created) = trusted.open_lock()?;
    if !try_lock(&lock).map_err(|error| locking_failed(&trusted, &error))? {
        return Ok(Some(describe_holder(&trusted, &lock)));
    }
    if !trusted.is_current(&lock) {
        return Ok(Some("its lock file was replaced".to_owned()));
    }
    let living = trusted.read().and_then(|reading| living_daemon(path, reading.as_ref(), "removing"));
    let obstacle = living.map(|pid| pid.map(|pid| format!("pid {pid} is alive")));
    let stale = matches!(obstacle, Ok(None));
    if stale {
        forget(&trusted, words == LastWordsCleanup::All);
    }
    // A lock file that this call has created is removed in any case.
    let removed = if stale || created { trusted.remove(&lock, false, |_| stale) } else { Ok(()) };
    let obstacle = obstacle?;
    removed
        .map_err(|error| Error::failed(ErrorKind::PidFile, "remove stale pidfile", path.display(), cause(&error)))?;
    Ok(obstacle)
}

/// Removes last words, and a lock file without a pidfile, which a killed start has left. Returns the process that holds the
/// lock, if there is one. `probe` has found no pidfile.
pub(crate) fn clean_lock(probe: &Probe, words: LastWordsCleanup) -> Result<Option<String>> {
    let Some(trusted) = probe.trusted() else { return Ok(None) };
    let has_words = words == LastWordsCleanup::All && trusted.foreign().is_none() && last_words::exist(trusted);
    if has_words || trusted.has_lock() { clean(trusted.path(), words) } else { Ok(None) }
}

/// Returns the obstacle to the statement that the daemon in another user's directory is stopped. Creates nothing: a lock file
/// that belongs to root would prevent that user's next start. Removes nothing: the next start does.
fn find_holder(trusted: &TrustedPath) -> Result<Option<String>> {
    let Some(lock) = trusted.open_existing_lock()? else { return Ok(None) };
    if !try_lock(&lock).map_err(|error| locking_failed(trusted, &error))? {
        return Ok(Some(describe_holder(trusted, &lock)));
    }
    Ok((!trusted.is_current(&lock)).then(|| "its lock file was replaced".to_owned()))
}
