//! A daemon runs without a pidfile if that is asked for (`pidfile = none`), and under a service manager that has no place for it.
//!
//! Its manager knows it then, and keeps it one of its kind: a unit with `User=` whose user has no home, `DynamicUser=`, a bare
//! number as the user of a container, a file system to read only. Started by hand it would be lost, so that is refused.

use super::{auto, make_state_directory};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::report;
use crate::settings::Settings;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use std::path::{Path, PathBuf};

/// Returns where the pidfile is made; an empty path if the daemon runs without one, which is said on stderr
/// unless it was asked for.
pub(super) fn place(settings: &Settings, detached: bool) -> Result<PathBuf> {
    if settings.no_pidfile {
        return Ok(PathBuf::new());
    }
    if settings.pidfile.is_some() || detached || !auto::is_watched() {
        return settings.pidfile();
    }
    settings.check_name()?;
    let usable = settings.pidfile().and_then(|pidfile| check(&pidfile).map(|()| pidfile));
    usable.or_else(|error| {
        report::say(&format!(
            "running without a pidfile: {error}; `stop` and `status` do not find this daemon (set `pidfile`, or \
             `RuntimeDirectory={}` in its systemd unit)",
            settings.name
        ));
        Ok(PathBuf::new())
    })
}

/// Makes the directory of a default pidfile, and checks that files can be made in it.
fn check(pidfile: &Path) -> Result<()> {
    make_state_directory(pidfile)?;
    let directory = pidfile.parent().unwrap_or(Path::new("/"));
    let access = AccessFlags::W_OK | AccessFlags::X_OK;
    faccessat(AT_FDCWD, directory, access, AtFlags::AT_EACCESS).map_err(|errno| {
        let why = cause(&errno.into());
        Error::failed(ErrorKind::PidFileInaccessible, "make files in", directory.display(), why)
    })
}
