//! Paths as people write them, made absolute before anything changes directory.

use crate::error::cause;
use nix::unistd::{User, geteuid};
use std::path::{Path, PathBuf};

/// Expands `~` and `$VAR`, and makes the path absolute.
pub(crate) fn expand(key: &str, path: &Path) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() {
        return Err(format!("`{key}` is empty"));
    }
    let home =
        || std::env::var_os("HOME").map(PathBuf::from).or_else(passwd_home).map(|home| home.display().to_string());
    let variable = |name: &str| std::env::var(name).map(Some);
    // What is not UTF-8 holds nothing that could be expanded: it is taken as it is.
    let Some(text) = path.to_str() else { return absolute(key, path) };
    let expanded = shellexpand::full_with_context(text, home, variable)
        .map_err(|error| format!("`{key}` `{}`: ${}: {}", path.display(), error.var_name, error.cause))?;
    absolute(key, Path::new(expanded.as_ref()))
}

fn absolute(key: &str, path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("`{key}` `{}`: {}", path.display(), cause(&error)))
}

/// `/run/NAME.pid` for root, else `.local/state/NAME.pid` under the home that the passwd entry names.
///
/// No environment variable decides: a login's runtime directory disappears with the login, and cron has none.
pub(crate) fn default_pidfile(name: &str) -> Result<PathBuf, String> {
    if geteuid().is_root() {
        return Ok(Path::new("/run").join(format!("{name}.pid")));
    }
    let home = passwd_home().ok_or("no home directory is known for this user: set `pidfile`")?;
    Ok(home.join(".local/state").join(format!("{name}.pid")))
}

fn passwd_home() -> Option<PathBuf> {
    User::from_uid(geteuid()).ok().flatten().map(|user| user.dir)
}
