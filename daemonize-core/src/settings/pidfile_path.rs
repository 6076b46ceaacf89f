//! The path of the pidfile: the one that was set, or the default of this user.

use super::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::paths::{PathContext, Paths, other_pidfiles, started_by_systemd};
use std::path::PathBuf;

impl Settings {
    /// Returns the pidfile that a start creates.
    pub(crate) fn pidfile(&self) -> Result<PathBuf> {
        self.check_name()?;
        if self.no_pidfile {
            return Err(self.cannot_find_without_pidfile("find"));
        }
        match &self.pidfile {
            Some(pidfile) => Ok(pidfile.clone()),
            None => default_pidfile(&self.name).map_err(Error::configuration),
        }
    }

    /// Returns the other pidfiles that the verbs check: none if the pidfile was set.
    pub(crate) fn other_pidfiles(&self) -> Vec<PathBuf> {
        if self.pidfile.is_some() || self.no_pidfile { Vec::new() } else { other_default_pidfiles(&self.name) }
    }

    /// Returns the error of a verb that cannot find the daemon, because the daemon runs without a pidfile.
    pub(crate) fn cannot_find_without_pidfile(&self, verb: &str) -> Error {
        let why = "it runs without a pidfile (`pidfile = none`): use the pid that its start returned";
        Error::failed(ErrorKind::Stop, verb, &self.name, why)
    }
}

/// Returns the default pidfile of the daemon `name`.
fn default_pidfile(name: &str) -> Result<PathBuf, String> {
    Paths::of(name, &situation()).map(|places| places.pidfile)
}

/// Returns the default pidfiles of a daemon of this name that another user, or a service manager, has started.
fn other_default_pidfiles(name: &str) -> Vec<PathBuf> {
    let situation = situation();
    match Paths::of(name, &situation) {
        Ok(places) => places.others,
        Err(_) => other_pidfiles(name, &situation),
    }
}

fn situation() -> PathContext {
    PathContext::now(started_by_systemd())
}
