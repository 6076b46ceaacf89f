//! The default path of a daemon's log, and its directory.

use super::Owner;
use crate::error::cause;
use crate::sys::paths::{PathContext, Paths, started_by_systemd};
use crate::sys::trust::log_directory::make_log_directory;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The functions of this module, once a log has no path of its own: a program without one is linked without the code.
static DEFAULT_PATH: OnceLock<DefaultPath> = OnceLock::new();

struct DefaultPath {
    determine: fn(&str) -> Result<PathBuf, String>,
    make_directory: fn(&Path, Owner) -> Result<(), String>,
}

/// Makes logs without a path lead to the default one.
pub(crate) fn enable_default_path() {
    let _ = DEFAULT_PATH.set(DefaultPath { determine, make_directory });
}

/// Returns the default path of the log of the daemon `name`; `None` if no log was set without a path.
///
/// # Errors
/// This process's user has no home directory.
pub(crate) fn default_path(name: &str) -> Result<Option<PathBuf>, String> {
    DEFAULT_PATH.get().map(|functions| (functions.determine)(name)).transpose()
}

/// Makes the directory of the default path, unless it exists: for `owner` with mode 0750 in `/var/log`, else with mode 0700.
pub(crate) fn make_default_directory(path: &Path, owner: Owner) -> Result<(), String> {
    DEFAULT_PATH.get().map_or(Ok(()), |functions| (functions.make_directory)(path, owner))
}

fn determine(name: &str) -> Result<PathBuf, String> {
    let context = PathContext::now(started_by_systemd());
    let log = Paths::of(name, &context).ok().and_then(|paths| paths.log);
    log.ok_or_else(|| format!("`log`: no home directory is known for uid {}: write an absolute path", context.uid))
}

fn make_directory(path: &Path, owner: Owner) -> Result<(), String> {
    let Some(directory) = path.parent() else { return Ok(()) };
    if geteuid().is_root() {
        return make_log_directory(directory, owner);
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| format!("failed to make `{}`: {}", directory.display(), cause(&error)))
}
