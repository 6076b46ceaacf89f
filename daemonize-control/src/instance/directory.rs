//! The directory of an instance: its pidfile, its socket, its token.

use crate::client::error::{Error, ErrorKind, Result, cause};
use daemonize_core::__private::make_directory;
use etcetera::BaseStrategy;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bits with which others than the owner could write.
const OTHERS_WRITE: u32 = 0o022;

/// The name of the pidfile in it, which is that of `tcbon`.
pub(crate) const PIDFILE: &str = ".pid";

/// Where an application keeps its data on this platform, unless it is said: `~/.local/share/NAME`, or what
/// `XDG_DATA_HOME` says. Without `HOME`, the home is the one that the list of users (`passwd(5)`) has for this one.
pub(crate) fn default(name: &str) -> Result<PathBuf> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(configuration(format_args!("the name {name:?} is no name of a directory: give it an `app_dir`")));
    }
    let base = etcetera::choose_base_strategy()
        .map_err(|error| configuration(format_args!("there is no data directory ({error}): give it an `app_dir`")))?;
    let directory = base.data_dir().join(name);
    if directory.is_absolute() {
        return Ok(directory);
    }
    // Wherever the program happened to be launched: two launches would not find each other.
    let home = base.home_dir().display();
    Err(configuration(format_args!("the home directory `{home}` is no absolute path: give it an `app_dir`")))
}

/// Makes the directory, for its owner alone; one that is there already is taken if nobody else can write it. Root makes nothing
/// below a directory or behind a link of another user.
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
