//! The errors of pidfiles.

use super::lock_holder;
use super::trusted_path::TrustedPath;
use crate::error::{Error, ErrorKind, cause};
use crate::pid::Pid;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(crate) fn already_running(path: &Path, pid: Pid) -> Error {
    let text = format!("already running as pid {pid} (pidfile `{}`)", path.display());
    Error::new(ErrorKind::AlreadyRunning { pid }, text)
}

pub(super) fn locked(trusted: &TrustedPath, lock: &File, why: &str) -> Error {
    let cause = format!("locked, but not by a daemon: {}; {why}", describe_holder(trusted, lock));
    Error::failed(ErrorKind::Locked, "lock pidfile", trusted.path().display(), cause)
}

/// Names the process that holds the lock, as far as this user may see it.
pub(super) fn describe_holder(trusted: &TrustedPath, lock: &File) -> String {
    let path = trusted.lock_path();
    let found = lock.metadata().ok().and_then(|status| lock_holder::find(&path, status.ino()));
    let holder = found.unwrap_or_else(|| "a process that `/proc` hides from this user".to_owned());
    format!("{holder} holds the lock `{}`", path.display())
}

pub(super) fn locking_failed(trusted: &TrustedPath, error: &io::Error) -> Error {
    Error::failed(ErrorKind::PidFileInaccessible, "lock", trusted.lock_path().display(), cause(error))
}
