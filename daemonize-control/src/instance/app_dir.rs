//! The directory of an instance: its pidfile, its socket, its token.

use crate::client::error::{Error, ErrorKind, Result, cause};
use daemonize_sys::account::home;
use daemonize_sys::trust::OTHERS_WRITE;
use daemonize_sys::trust::directory::make_directory;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The name of the pidfile in it, which is that of `tcbon`.
pub(crate) const PIDFILE: &str = ".pid";

/// Returns where an application keeps its data unless it says otherwise: `~/.local/share/NAME`, in the home of the passwd
/// entry. No environment variable decides: two launches would not find each other.
pub(crate) fn default(name: &str) -> Result<PathBuf> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(configuration(format_args!("the name {name:?} is no name of a directory: give it an `app_dir`")));
    }
    let home = home().ok_or_else(|| {
        let uid = geteuid();
        configuration(format_args!(
            "no home directory is known for uid {uid}, which has no passwd entry: give it an `app_dir`"
        ))
    })?;
    Ok(home.join(".local/share").join(name))
}

/// Makes the directory with mode 0700. A directory that exists already is accepted if it belongs to this process's
/// user, and no other user can write it. Root makes nothing below a directory or behind a link of another user.
pub(crate) fn make(path: &Path) -> Result<()> {
    let failed = |verb: &str, why: String| Err(Error::failed(ErrorKind::Configuration, verb, path.display(), why));
    if geteuid().is_root() {
        if let Err(why) = make_directory(path) {
            return failed("make directory", why);
        }
    } else if let Err(error) = fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        return failed("make directory", cause(&error));
    }
    let status = match fs::metadata(path) {
        Ok(status) => status,
        Err(error) => return failed("look at directory", cause(&error)),
    };
    if status.uid() != geteuid().as_raw() {
        return failed("use directory", format!("it belongs to user {}", status.uid()));
    }
    if status.mode() & OTHERS_WRITE != 0 {
        return failed("use directory", format!("others can write it (mode {:04o})", status.mode() & 0o7777));
    }
    Ok(())
}

/// A setting is wrong.
pub(crate) fn configuration(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("failed to configure the instance: {why}"))
}
