//! Finds the pidfile of a daemon that may have been started in another environment: by systemd, by another user's session, or
//! by an earlier version.

use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use crate::pidfile::{Holder, PidFile, Probe, already_running};
use crate::process::runs_as;
use crate::settings::Settings;
use nix::unistd::geteuid;
use std::io;
use std::path::{Path, PathBuf};

/// The pidfile that a verb (`stop`, `status`, `send`) acts on.
pub(crate) struct LocatedPidFile {
    pub(crate) path: PathBuf,
    /// The probe of that file, if it was needed to choose the file.
    pub(crate) probed: Option<(Probe, Holder)>,
}

impl From<PathBuf> for LocatedPidFile {
    fn from(path: PathBuf) -> LocatedPidFile {
        LocatedPidFile { path, probed: None }
    }
}

/// Returns the path of the pidfile that a verb acts on: see [`locate`].
pub(crate) fn locate_path(settings: &Settings) -> Result<PathBuf> {
    locate(settings).map(|located| located.path)
}

/// Locates the pidfile that a verb acts on: the configured one. Unset, the default one, unless only a pidfile in another default
/// place names a living daemon.
pub(crate) fn locate(settings: &Settings) -> Result<LocatedPidFile> {
    let own = settings.pidfile();
    settings.check_name()?;
    if settings.pidfile.is_some() {
        return own.map(LocatedPidFile::from);
    }
    if let Ok(path) = &own {
        if let Some(probed) = probe_living(path) {
            return Ok(LocatedPidFile { path: path.clone(), probed: Some(probed) });
        }
    }
    let mut undecided = None;
    for path in settings.other_pidfiles() {
        match inspect_other(&path, settings) {
            OtherPidFile::Alive(_) => return Ok(path.into()),
            OtherPidFile::ReadinessWatch => {
                undecided.get_or_insert(path);
            }
            OtherPidFile::Irrelevant => {}
        }
    }
    match undecided {
        Some(undecided) if !own.as_ref().is_ok_and(|path| path.symlink_metadata().is_ok()) => Ok(undecided.into()),
        _ => own.map(LocatedPidFile::from),
    }
}

/// Fails if a daemon of this name already runs with a pidfile in another default place.
///
/// # Errors
/// [`ErrorKind::AlreadyRunning`].
pub(crate) fn check_not_running_elsewhere(settings: &Settings) -> Result<()> {
    for path in settings.other_pidfiles() {
        match inspect_other(&path, settings) {
            // A program that replaced itself by execve(2) has kept its pid.
            OtherPidFile::Alive(pid) if pid != Pid::this() => return Err(already_running(&path, pid)),
            _ => {}
        }
    }
    Ok(())
}

/// Probes a pidfile. A missing directory counts as a missing file.
pub(crate) fn probe(pidfile: &Path) -> Result<Probe> {
    PidFile::probe(pidfile).or_else(|error| match pidfile.parent().map(Path::try_exists) {
        Some(Ok(false)) => Ok(Probe::nothing()),
        _ => Err(error),
    })
}

/// Returns the state of the process that a probed pidfile names.
pub(crate) fn holder(pidfile: &Path, probe: &Probe) -> Result<Holder> {
    probe.holder().map_err(|error| {
        Error::failed(ErrorKind::PidFileInaccessible, "identify the daemon of", pidfile.display(), cause(&error))
    })
}

/// Returns the probe of a pidfile that names a living daemon.
fn probe_living(pidfile: &Path) -> Option<(Probe, Holder)> {
    let probe = probe(pidfile).ok()?;
    match probe.holder().ok()? {
        holder @ Holder::Alive(_) => Some((probe, holder)),
        _ => None,
    }
}

/// The state of a pidfile in another default place.
enum OtherPidFile {
    /// It names a living daemon of this user, or of any user if this one is root.
    Alive(Pid),
    /// A start is under way there, or root can neither read nor trust the file. It is reported if there is no other file.
    ReadinessWatch,
    /// There is no file, or it names no living process of this user.
    Irrelevant,
}

fn inspect_other(path: &Path, settings: &Settings) -> OtherPidFile {
    // Before the probe: without a file, a directory that cannot be trusted does not matter.
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return OtherPidFile::Irrelevant;
    }
    let (user, is_root) = (geteuid().as_raw(), geteuid().is_root());
    match probe(path).and_then(|probe| holder(path, &probe)) {
        // A user's daemon is another one than root's daemon of the same name.
        Ok(Holder::Alive(identity)) if is_root || runs_as(identity.pid, user).unwrap_or(false) => {
            OtherPidFile::Alive(identity.pid)
        }
        Ok(Holder::Unsealed(age)) if age < settings.start_timeout => OtherPidFile::ReadinessWatch,
        Err(_) | Ok(Holder::WrongUser(..)) if is_root => OtherPidFile::ReadinessWatch,
        _ => OtherPidFile::Irrelevant,
    }
}
