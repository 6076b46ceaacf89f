//! Describes where the output of a daemon goes.

use crate::escape::escape_bytes;
use crate::settings::{Device, Settings, Stdio};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The destination of a daemon's stdout or stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// This log file.
    File(PathBuf),
    /// `/dev/null`. Errors that the library reports on such a stderr go to the system log.
    Null,
    /// The stream of the process that started the daemon.
    Inherited,
    /// A descriptor that the program opened.
    Descriptor,
}

impl Destination {
    /// Returns where stdout and stderr lead with these settings.
    pub(super) fn of(settings: &Settings, detached: bool) -> [Destination; 2] {
        let log = settings.log.as_ref().filter(|_| detached);
        [&settings.stdout, &settings.stderr].map(|setting| match setting.as_ref().or(log) {
            None if detached => Destination::Null,
            None | Some(Stdio::Keep) => Destination::Inherited,
            Some(Stdio::File(path)) => match Device::of(path) {
                Some(Device::Null) => Destination::Null,
                Some(Device::Descriptor(_)) => Destination::Inherited,
                None => Destination::File(path.clone()),
            },
            Some(Stdio::Descriptor(_)) => Destination::Descriptor,
            Some(Stdio::Null | Stdio::Text(_)) => Destination::Null,
        })
    }

    /// Returns the path of the log file.
    pub(super) fn log(&self) -> Option<&PathBuf> {
        match self {
            Destination::File(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::File(path) => write!(f, "`{}`", escape_bytes(path.as_os_str().as_bytes())),
            Destination::Null => f.write_str("`/dev/null`"),
            Destination::Inherited => f.write_str("where its launcher's goes"),
            Destination::Descriptor => f.write_str("a descriptor of the program"),
        }
    }
}
