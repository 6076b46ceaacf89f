//! Paths as people write them, made absolute before anything changes directory.

use crate::error::cause;
use crate::sys::account::home;
use crate::sys::paths::{PathContext, Paths, other_pidfiles, started_by_systemd};
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};

/// Expands `~` (the home of the passwd entry) and `$VAR`, and makes the path absolute.
pub(crate) fn expand(key: &str, path: &Path) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() {
        return Err(format!("`{key}` is empty"));
    }
    // What is not UTF-8 holds nothing that could be expanded: it is taken as it is.
    let Some(text) = path.to_str() else { return absolute(key, path) };
    if !text.starts_with('~') && !text.contains('$') {
        return absolute(key, path);
    }
    // Looked up only where it is needed: a start has no time to ask the name service.
    let directory = if text.starts_with('~') { home() } else { None };
    // Without this, a directory called `~` would be meant.
    if directory.is_none() && (text == "~" || text.starts_with("~/")) {
        let uid = geteuid();
        return Err(format!("`{key}` `{text}`: no home directory is known for uid {uid}: write an absolute path"));
    }
    let variable = |name: &str| std::env::var(name).map(Some);
    let expanded = shellexpand::env_with_context(text, variable)
        .map_err(|error| format!("`{key}` `{}`: ${}: {}", path.display(), error.var_name, error.cause))?;
    let below_home = expanded.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (directory, below_home) {
        (Some(home), Some("")) => Ok(home),
        (Some(home), Some(rest)) => absolute(key, &home.join(rest.trim_start_matches('/'))),
        _ => absolute(key, Path::new(expanded.as_ref())),
    }
}

fn absolute(key: &str, path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("`{key}` `{}`: {}", path.display(), cause(&error)))
}

/// Returns where a start of the daemon `name` makes its pidfile.
pub(crate) fn default_pidfile(name: &str) -> Result<PathBuf, String> {
    Paths::of(name, &situation()).map(|places| places.pidfile)
}

/// Returns the pidfiles of a daemon of this name that was started in another situation.
pub(crate) fn other_default_pidfiles(name: &str) -> Vec<PathBuf> {
    let situation = situation();
    match Paths::of(name, &situation) {
        Ok(places) => places.others,
        Err(_) => other_pidfiles(name, &situation),
    }
}

fn situation() -> PathContext {
    PathContext::now(started_by_systemd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tilde_expands_only_as_first_name_of_path() {
        let Some(home) = home() else { return };
        let expanded = |text: &str| expand("log", Path::new(text)).unwrap();
        assert_eq!(expanded("~"), home);
        assert_eq!(expanded("~/a.log"), home.join("a.log"));
        assert_eq!(expanded("~//a.log"), home.join("a.log"));
        for text in ["/var/~/a.log", "/~", "/a~"] {
            assert_eq!(expanded(text), Path::new(text));
        }
        assert_eq!(expanded("~nobody/a.log"), std::path::absolute("~nobody/a.log").unwrap());
    }
}
