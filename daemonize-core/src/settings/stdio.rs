//! The destinations of the standard streams.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The source of a daemon's stdin, or the destination of its stdout or stderr.
///
/// A path converts into [`Stdio::File`], an open file or descriptor into [`Stdio::Descriptor`]. `/dev/null` is
/// [`Stdio::Null`]. `/dev/stdin`, `/dev/stdout`, `/dev/stderr`, `/dev/fd/0` to `2` and the same of `/proc/self/fd` are the
/// streams that this process has when the daemon is started ([`Stdio::Inherit`]), with one exception: for stderr, `/dev/stdout` is
/// the destination of the daemon's stdout.
///
/// ```
/// use daemon::Daemon;
/// use daemon::settings::Stdio;
///
/// let daemon = Daemon::new("scribe").stdin(Stdio::text("dear diary")).stdout("/var/log/scribe.log");
/// # drop(daemon);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stdio {
    /// `/dev/null`: reads return end of file, writes are discarded.
    Null,
    /// The stream that the process has: it is not redirected.
    Inherit,
    /// A regular file. As stdin it is read from its start. As stdout or stderr it is appended to (created with mode 0640 if it is
    /// missing), and reopened on SIGHUP.
    File(PathBuf),
    /// A file descriptor that this program opened.
    Descriptor(Arc<OwnedFd>),
    /// This text, then end of file (stdin only).
    Text(String),
}

impl Stdio {
    /// Returns a stdin with this text.
    pub fn text(text: impl Into<String>) -> Stdio {
        Stdio::Text(text.into())
    }
}

impl From<&str> for Stdio {
    fn from(path: &str) -> Stdio {
        Stdio::File(path.into())
    }
}

impl From<String> for Stdio {
    fn from(path: String) -> Stdio {
        Stdio::File(path.into())
    }
}

impl From<&String> for Stdio {
    fn from(path: &String) -> Stdio {
        Stdio::File(path.into())
    }
}

impl From<OsString> for Stdio {
    fn from(path: OsString) -> Stdio {
        Stdio::File(path.into())
    }
}

impl From<&OsStr> for Stdio {
    fn from(path: &OsStr) -> Stdio {
        Stdio::File(path.into())
    }
}

impl From<&PathBuf> for Stdio {
    fn from(path: &PathBuf) -> Stdio {
        Stdio::File(path.clone())
    }
}

impl From<&Path> for Stdio {
    fn from(path: &Path) -> Stdio {
        Stdio::File(path.into())
    }
}

impl From<PathBuf> for Stdio {
    fn from(path: PathBuf) -> Stdio {
        Stdio::File(path)
    }
}

impl From<File> for Stdio {
    fn from(file: File) -> Stdio {
        OwnedFd::from(file).into()
    }
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Stdio {
        Stdio::Descriptor(Arc::new(fd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 1.38.
    #[test]
    fn path_of_any_type_becomes_a_file() {
        let path = PathBuf::from("/var/log/a.log");
        let text = path.display().to_string();
        let streams: [Stdio; 8] = [
            (&path).into(),
            path.as_path().into(),
            path.as_os_str().into(),
            path.clone().into_os_string().into(),
            (&text).into(),
            text.as_str().into(),
            text.clone().into(),
            path.clone().into(),
        ];
        assert!(streams.iter().all(|stream| matches!(stream, Stdio::File(file) if *file == path)));
    }
}
