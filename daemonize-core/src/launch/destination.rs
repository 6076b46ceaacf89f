//! The destinations of a daemon's stdout and stderr.

use crate::escape::escape_bytes;
use crate::settings::{Settings, Stdio};
use crate::sys::device::Device;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The destination of a daemon's stdout or stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// A log file.
    File(PathBuf),
    /// `/dev/null`. Errors that the library reports on stderr go to syslog then.
    Null,
    /// The stream of the process that started the daemon.
    Inherited,
    /// A descriptor that the program opened.
    Descriptor,
}

impl Destination {
    /// Returns the destinations of stdout and stderr with these settings.
    pub(super) fn of(settings: &Settings, detached: bool) -> [Destination; 2] {
        let log = settings.log_target().filter(|_| detached);
        let of = |setting: Option<&Stdio>| match setting {
            None if detached => Destination::Null,
            None | Some(Stdio::Inherit) => Destination::Inherited,
            Some(Stdio::File(path)) => match Device::of(path) {
                Some(Device::Null) => Destination::Null,
                Some(Device::Descriptor(_)) => Destination::Inherited,
                None => Destination::File(path.clone()),
            },
            Some(Stdio::Descriptor(_)) => Destination::Descriptor,
            Some(Stdio::Null | Stdio::Text(_)) => Destination::Null,
        };
        let [stdout, stderr] = [&settings.stdout, &settings.stderr].map(|setting| setting.as_ref().or(log));
        let stdout = of(stdout);
        let stderr = match stderr {
            // `/dev/stdout` is opened as stderr after stdout is redirected, so it is the daemon's own stdout.
            Some(Stdio::File(path)) if Device::of(path) == Some(Device::STDOUT) => stdout.clone(),
            setting => of(setting),
        };
        [stdout, stderr]
    }

    /// Returns the path of a log file; `None` for other destinations.
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
            Destination::Inherited => f.write_str("the same stream as that of its launcher"),
            Destination::Descriptor => f.write_str("a descriptor of the program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6.45.
    #[test]
    fn destination_of_stderr_that_names_stdout_is_that_of_the_daemon_s_stdout() {
        let mut settings = Settings::new("web".into());
        settings.stderr = Some("/dev/stdout".into());
        let file = Destination::File("/var/log/web.log".into());
        assert_eq!(Destination::of(&settings, true), [Destination::Null, Destination::Null]);
        assert_eq!(Destination::of(&settings, false), [Destination::Inherited, Destination::Inherited]);
        settings.log = Some("/var/log/web.log".into());
        assert_eq!(Destination::of(&settings, true), [file.clone(), file.clone()]);
        (settings.stdout, settings.stderr) = (Some("/dev/stderr".into()), None);
        assert_eq!(Destination::of(&settings, true), [Destination::Inherited, file]);
    }
}
