//! Finding the pidfile of a daemon that may have been started in another situation: by systemd, or by an earlier version.

use super::{holder, look};
use crate::error::Result;
use crate::pid::Pid;
use crate::pidfile::{Holder, Probe, already_running};
use crate::process::runs_as;
use crate::settings::Settings;
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};

/// The state that one of the other pidfiles shows.
enum Other {
    /// It names a daemon that lives, and that a verb of this user is about.
    Alive(Pid),
    /// A start is on its way there, or root cannot read or trust it: worth telling of if there is nothing else.
    Unclear,
    /// There is none, or it is about no living process of this user.
    Irrelevant,
}

/// The pidfile that a verb is about.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The look that has found a living daemon there, if one was needed to choose the file.
    pub(super) look: Option<(Probe, Holder)>,
}

impl From<PathBuf> for Found {
    fn from(path: PathBuf) -> Found {
        Found { path, look: None }
    }
}

/// Returns the path of the pidfile that a verb is about: see [`find_and_look`].
pub(crate) fn find(settings: &Settings) -> Result<PathBuf> {
    find_and_look(settings).map(|found| found.path)
}

/// Returns the pidfile that a verb is about: the one that was set; else the one where a start would make it, unless only
/// one in another place names a living daemon.
pub(super) fn find_and_look(settings: &Settings) -> Result<Found> {
    let own = settings.pidfile();
    settings.check_name()?;
    if settings.pidfile.is_some() {
        return own.map(Found::from);
    }
    if let Ok(path) = &own {
        let look = look(path).ok().and_then(|probe| Some((probe.holder().ok()?, probe)));
        if let Some((holder @ Holder::Alive(_), probe)) = look {
            return Ok(Found { path: path.clone(), look: Some((probe, holder)) });
        }
    }
    let mut unclear = None;
    for path in settings.other_pidfiles() {
        match read(&path, settings) {
            Other::Alive(_) => return Ok(path.into()),
            Other::Unclear => _ = unclear.get_or_insert(path),
            Other::Irrelevant => {}
        }
    }
    match unclear {
        Some(unclear) if !own.as_ref().is_ok_and(|path| path.symlink_metadata().is_ok()) => Ok(unclear.into()),
        _ => own.map(Found::from),
    }
}

/// Refuses a start while a daemon of this name runs that was started in another situation.
pub(crate) fn refuse_second(settings: &Settings) -> Result<()> {
    let running = settings.other_pidfiles().into_iter().find_map(|path| match read(&path, settings) {
        // A program that has replaced itself by exec is not another one.
        Other::Alive(pid) if pid != Pid::this() => Some((path, pid)),
        _ => None,
    });
    running.map_or(Ok(()), |(path, pid)| Err(already_running(&path, pid)))
}

fn read(path: &Path, settings: &Settings) -> Other {
    // If the file does not exist, a directory that cannot be trusted does not matter.
    if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Other::Irrelevant;
    }
    let (me, is_root) = (geteuid().as_raw(), geteuid().is_root());
    match look(path).and_then(|probe| holder(path, &probe)) {
        // A user's daemon is not that of root, even if both have one name.
        Ok(Holder::Alive(identity)) if is_root || runs_as(identity.pid, me).unwrap_or(false) => {
            Other::Alive(identity.pid)
        }
        Ok(Holder::Unsealed(age)) if age < settings.start_timeout => Other::Unclear,
        Err(_) | Ok(Holder::Stranger(..)) if is_root => Other::Unclear,
        _ => Other::Irrelevant,
    }
}
