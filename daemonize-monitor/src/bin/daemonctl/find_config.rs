//! Finds the configuration file: `-c`, `$DAEMONCTL_CONFIG`, or a default path.

use crate::exit_status::{CliError, ExitStatus};
use daemonize_monitor::__daemonctl;
use daemonize_sys::account::home;
use daemonize_sys::escape::escape_bytes;
use nix::unistd::geteuid;
use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The variable that names the configuration if `-c` does not.
const VARIABLE: &str = "DAEMONCTL_CONFIG";
/// The configuration of the system.
const SYSTEM: &str = __daemonctl::SYSTEM_CONFIG;
/// The configuration of a user, relative to the home directory.
const OWN: &str = ".config/daemonctl.toml";

/// The usual name of a configuration in the working directory.
const HERE: &str = "daemonctl.toml";

/// Returns the path given, else that of the environment, else the first default path that exists.
///
/// The working directory is not searched: a command must do the same in every directory.
pub(crate) fn config(given: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(path) = named(given) {
        return absolute(&path);
    }
    let places = places(home());
    let found = places.iter().find(|path| path.symlink_metadata().is_ok());
    found.cloned().ok_or_else(|| CliError::new(ExitStatus::Failed, missing(&places, Path::new(HERE).is_file())))
}

/// Returns where a new configuration is written, and whether that is a default path: the path given, else that of the
/// environment, else the machine's for root, and the user's own for another user.
///
/// # Errors
/// No path was named, and there is a configuration already, which a second one would hide or be hidden by.
pub(crate) fn new_config(given: Option<&Path>) -> Result<(PathBuf, bool), CliError> {
    if let Some(path) = named(given) {
        return Ok((absolute(&path)?, false));
    }
    let places = places(home());
    if let Some(found) = places.iter().find(|path| path.symlink_metadata().is_ok()) {
        let text = format!("`{}` is there already: edit it, or name another file", found.display());
        return Err(CliError::new(ExitStatus::Failed, text));
    }
    let place = if geteuid().is_root() { places.last() } else { places.first() };
    place.cloned().map(|place| (place, true)).ok_or_else(|| CliError::new(ExitStatus::Failed, "name a file"))
}

/// Returns a path that names the same file in every directory. Links are kept, since they may lead elsewhere later; but a
/// `..` behind a link depends on where the link leads.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let failed = |error| CliError::failed("find", escape_bytes(path.as_os_str().as_bytes()), error);
    let whole = std::path::absolute(path).map_err(failed)?;
    let goes_up = whole.components().any(|part| part == Component::ParentDir);
    match (whole.parent(), whole.file_name()) {
        (Some(directory), Some(name)) if goes_up => Ok(directory.canonicalize().map_err(failed)?.join(name)),
        _ => Ok(whole),
    }
}

/// Returns the names as they are, but those with a slash, which are programs, as absolute paths.
pub(crate) fn programs(names: &[String]) -> Result<Vec<String>, CliError> {
    let program = |name: &String| {
        let is_program = name.contains('/');
        if is_program { Ok(absolute(Path::new(name))?.to_string_lossy().into_owned()) } else { Ok(name.clone()) }
    };
    names.iter().map(program).collect()
}

/// Returns `true` if the configuration is not looked for, but named by an argument or the environment.
pub(crate) fn is_named(given: Option<&Path>) -> bool {
    named(given).is_some()
}

fn named(given: Option<&Path>) -> Option<PathBuf> {
    given.map(Path::to_owned).or_else(|| env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// Returns the default paths, in search order.
fn places(home: Option<PathBuf>) -> Vec<PathBuf> {
    home.map(|home| home.join(OWN)).into_iter().chain([PathBuf::from(SYSTEM)]).collect()
}

/// Returns the error for a configuration that was not found. It points to the one in the working directory, if there is one.
fn missing(places: &[PathBuf], is_here: bool) -> String {
    let places: Vec<_> = places.iter().map(|path| format!("`{}`", path.display())).collect();
    let places = places.join(" nor ");
    let here = if is_here { format!(": for the one in this directory, write `-c {HERE}`") } else { String::new() };
    format!("failed to find a configuration: no -c, no ${VARIABLE}, and neither {places} is there{here}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_counts_and_becomes_absolute() {
        let found = config(Some(Path::new("x/monitor.toml"))).unwrap();
        assert!(found.is_absolute() && found.ends_with("x/monitor.toml"));
    }

    #[test]
    fn path_that_goes_up_is_the_same_as_one_that_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        assert_eq!(absolute(&directory.join("x/.././bot.py")).unwrap_err().exit, ExitStatus::Failed);
        std::fs::create_dir(directory.join("x")).unwrap();
        assert_eq!(absolute(&directory.join("x/.././bot.py")).unwrap(), directory.join("bot.py"));
        // A link stays one.
        std::os::unix::fs::symlink("x", directory.join("current")).unwrap();
        assert_eq!(absolute(&directory.join("current/bot.py")).unwrap(), directory.join("current/bot.py"));
    }

    #[test]
    fn one_is_told_where_it_was_looked_for() {
        let text = |is_here| missing(&places(Some("/home/ada".into())), is_here);
        let expected = "neither `/home/ada/.config/daemonctl.toml` nor `/etc/daemonctl.toml` is there";
        assert!(text(false).ends_with(expected), "{}", text(false));
        let with_hint = format!("{expected}: for the one in this directory, write `-c daemonctl.toml`");
        assert!(text(true).ends_with(&with_hint), "{}", text(true));
        assert_eq!(places(None), [PathBuf::from(SYSTEM)]);
    }
}
