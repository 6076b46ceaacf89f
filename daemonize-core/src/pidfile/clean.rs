//! Removing what a dead daemon or a killed start has left.

use super::place::{Place, distrusted};
use super::probe::{Holder, Reading};
use super::{MODE, PidFile, describe_holder, locking_failed, try_lock};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use std::path::Path;

/// Removes a pidfile whose daemon is dead, and its lock file. Returns what keeps it from that: a process that holds the
/// lock, or a daemon that lives.
pub(crate) fn clean(path: &Path) -> Result<Option<String>> {
    let place = Place::open_existing(path)?;
    // A lock file of root's would keep the directory's owner from starting: that user's next start cleans up.
    if place.foreign().is_some() {
        return Ok(None);
    }
    let (lock, created) = place.open_lock()?;
    if !try_lock(&lock).map_err(|error| locking_failed(&place, &error))? {
        return Ok(Some(describe_holder(path, &lock)));
    }
    let owner = created.then(Pid::this);
    let held = PidFile { place, mode: MODE, lock, sealed: None, owner };
    if !held.is_held() {
        return Ok(Some("its lock file was replaced".to_owned()));
    }
    match held.place.read()?.map_or(Ok(Holder::Nothing), |reading: Reading| reading.holder()) {
        Ok(holder @ (Holder::Foreign | Holder::Unproven(_))) => {
            Err(distrusted(path, format_args!("{holder}; not removing it")))
        }
        Ok(Holder::Alive(identity)) => Ok(Some(format!("pid {} is alive", identity.pid))),
        _ => held
            .remove()
            .map(|()| None)
            .map_err(|error| Error::failed(ErrorKind::PidFile, "remove stale pidfile", path.display(), cause(&error))),
    }
}

/// Removes a lock file without a pidfile, which a killed start has left. Returns the process that holds the lock, if one
/// does.
pub(crate) fn clean_lock(path: &Path) -> Result<Option<String>> {
    let place = Place::open_existing(path)?;
    if place.foreign().is_none() && place.has_lock() { clean(path) } else { Ok(None) }
}
