//! Determines the path of the pidfile, or that the daemon runs without one.
//!
//! A daemon runs without a pidfile if `no_pidfile` is set, or under a service manager if no directory for it is usable: a unit with
//! `User=` whose user has no home, `DynamicUser=`, a container with a numeric user, a read-only file system. The service manager
//! knows the process there, and runs it only once. A daemon that is started by hand could not be found again, so its start fails.

use super::detach::is_supervised;
use crate::error::{Error, ErrorKind, Result, cause};
use crate::report;
use crate::settings::Settings;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Returns the path of the pidfile. Returns an empty path if the daemon runs without one; stderr says why unless `no_pidfile`
/// is set.
pub(super) fn determine(settings: &Settings, detached: bool) -> Result<PathBuf> {
    if settings.no_pidfile {
        return Ok(PathBuf::new());
    }
    if settings.pidfile.is_some() || detached || !is_supervised() {
        return settings.pidfile();
    }
    settings.check_name()?;
    let usable = settings.pidfile().and_then(|pidfile| check_directory(&pidfile).map(|()| pidfile));
    usable.or_else(|error| {
        report::print(&format!(
            "running without a pidfile: {error}; `stop` and `status` do not find this daemon (set `pidfile`, or \
             `RuntimeDirectory={}` in its systemd unit)",
            settings.name
        ));
        Ok(PathBuf::new())
    })
}

/// Creates the directory of a default pidfile with mode 0700, unless it exists.
pub(super) fn create_state_directory(pidfile: &Path) -> Result<()> {
    let Some(directory) = pidfile.parent() else { return Ok(()) };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        let why = format!("{}: set `pidfile` to a path in a directory that this user can write", cause(&error));
        Error::failed(ErrorKind::PidFileInaccessible, "make directory", directory.display(), why)
    })
}

/// Creates the directory of a default pidfile, and checks that this process can create files in it.
fn check_directory(pidfile: &Path) -> Result<()> {
    create_state_directory(pidfile)?;
    let directory = pidfile.parent().unwrap_or(Path::new("/"));
    let access = AccessFlags::W_OK | AccessFlags::X_OK;
    // AT_EACCESS: with the effective user, as open(2) checks.
    faccessat(AT_FDCWD, directory, access, AtFlags::AT_EACCESS).map_err(|errno| {
        let why = cause(&errno.into());
        Error::failed(ErrorKind::PidFileInaccessible, "make files in", directory.display(), why)
    })
}
