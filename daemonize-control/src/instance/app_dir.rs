//! The application's directory, with the pidfile, the socket and the token of its instance.

use crate::client::error::{Error, ErrorKind, Result, cause};
use daemonize_sys::account::home;
use daemonize_sys::trust::OTHERS_WRITE;
use daemonize_sys::trust::directory::make_directory;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The name of the pidfile in the directory, the same as that of `tcbon`.
pub(crate) const PIDFILE: &str = ".pid";

/// Returns the default directory of an application: `~/.local/share/NAME`, in the home directory of the passwd entry.
/// Environment variables are ignored: launches with different ones would not find each other.
pub(crate) fn default(name: &str) -> Result<PathBuf> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(configuration(format_args!("the name {name:?} is not a valid directory name: set `app_dir`")));
    }
    let home = home().ok_or_else(|| {
        let uid = geteuid();
        configuration(format_args!(
            "no home directory is known for uid {uid}, which has no passwd entry: set `app_dir`"
        ))
    })?;
    Ok(home.join(".local/share").join(name))
}

/// Creates the directory with mode 0700. An existing directory is accepted if it belongs to the user of this process, and no
/// other user can write to it. Root creates nothing in a directory of another user, or through a link of another user.
pub(crate) fn create(path: &Path) -> Result<()> {
    let failed = |verb: &str, why: String| Err(Error::failed(ErrorKind::Configuration, verb, path.display(), why));
    if geteuid().is_root() {
        if let Err(why) = make_directory(path) {
            return failed("create directory", why);
        }
    } else if let Err(error) = fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        return failed("create directory", cause(&error));
    }
    let status = match fs::metadata(path) {
        Ok(status) => status,
        Err(error) => return failed("stat directory", cause(&error)),
    };
    if status.uid() != geteuid().as_raw() {
        return failed("use directory", format!("it belongs to uid {}", status.uid()));
    }
    if status.mode() & OTHERS_WRITE != 0 {
        return failed("use directory", format!("other users can write to it (mode {:04o})", status.mode() & 0o7777));
    }
    Ok(())
}

/// Returns the error of an invalid setting.
pub(crate) fn configuration(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("failed to configure the instance: {why}"))
}
