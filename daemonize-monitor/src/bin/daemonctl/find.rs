//! Which configuration is meant.

use crate::exit::{Exit, Failure};
use daemonize_core::__private::home;
use std::env;
use std::path::{Path, PathBuf};

/// Names the configuration when `-c` does not.
const VARIABLE: &str = "DAEMONCTL_CONFIG";
/// The machine's.
const SYSTEM: &str = "/etc/daemonctl.toml";
/// A user's, under the home directory.
const OWN: &str = ".config/daemonctl.toml";

/// The configuration: as given, else as in the environment, else the first that is there.
///
/// The working directory is no such place: what a command does must not depend on where one stands.
pub(crate) fn config(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named(given) {
        return std::path::absolute(&path).map_err(|error| Failure::failed("find", path.display(), error));
    }
    let places = places(home());
    let found = places.iter().find(|path| path.symlink_metadata().is_ok());
    found.cloned().ok_or_else(|| Failure::new(Exit::Failed, missing(&places)))
}

/// Returns `true` if the configuration is not looked for, but named by an argument or the environment.
pub(crate) fn is_named(given: Option<&Path>) -> bool {
    named(given).is_some()
}

fn named(given: Option<&Path>) -> Option<PathBuf> {
    given.map(Path::to_owned).or_else(|| env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// Where it is looked for.
fn places(home: Option<PathBuf>) -> Vec<PathBuf> {
    home.map(|home| home.join(OWN)).into_iter().chain([PathBuf::from(SYSTEM)]).collect()
}

fn missing(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|path| format!("`{}`", path.display())).collect();
    let places = places.join(" nor ");
    format!("failed to find a configuration: no -c, no ${VARIABLE}, and neither {places} is there")
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
    fn one_is_told_where_it_was_looked_for() {
        let text = missing(&places(Some("/home/ada".into())));
        assert!(
            text.contains("neither `/home/ada/.config/daemonctl.toml` nor `/etc/daemonctl.toml` is there"),
            "{text}"
        );
        assert_eq!(places(None), [PathBuf::from(SYSTEM)]);
    }
}
