//! Reasons that keep a start or a cleaner from a pidfile, and their texts.

use super::lock_holder;
use super::probe::{Holder, Reading};
use super::trusted_path::{TrustedPath, distrusted};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// P5: returns the daemon that the file names, if it lives. A file of which nothing is known is stale for the process that
/// holds the lock.
///
/// # Errors
/// The file is not a pidfile, or another program's whose process lives; the text says that it is not `replacing` it.
pub(super) fn find_living(path: &Path, reading: Option<&Reading>, replacing: &str) -> Result<Option<Pid>> {
    match reading.map(Reading::holder) {
        Some(Ok(holder @ (Holder::Foreign | Holder::Unproven(_)))) => {
            Err(distrusted(path, format_args!("{holder}; not {replacing} it")))
        }
        Some(Ok(Holder::Alive(identity))) => Ok(Some(identity.pid)),
        _ => Ok(None),
    }
}

pub(crate) fn already_running(path: &Path, pid: Pid) -> Error {
    let text = format!("already running as pid {pid} (pidfile `{}`)", path.display());
    Error::new(ErrorKind::AlreadyRunning { pid }, text)
}

pub(super) fn locked(target: &TrustedPath, lock: &File, why: &str) -> Error {
    let cause = format!("locked, but by no daemon: {}; {why}", describe_holder(target, lock));
    Error::failed(ErrorKind::Locked, "lock pidfile", target.path().display(), cause)
}

/// Names the process that holds the lock, as far as this user may see it.
pub(super) fn describe_holder(target: &TrustedPath, lock: &File) -> String {
    let path = target.lock_path();
    let found = lock.metadata().ok().and_then(|status| lock_holder::find(&path, status.ino()));
    let holder = found.unwrap_or_else(|| "a process that `/proc` does not show to this user".to_owned());
    format!("{holder} holds the lock `{}`", path.display())
}

pub(super) fn locking_failed(target: &TrustedPath, error: &io::Error) -> Error {
    Error::failed(ErrorKind::PidFileInaccessible, "lock", target.lock_path().display(), cause(error))
}
