//! Expands `~` and environment variables in paths, and makes paths absolute before the working directory changes.

use crate::error::cause;
use crate::sys::account::home;
use nix::unistd::geteuid;
use std::path::{Path, PathBuf};

/// Expands `~` (the home directory of the passwd entry) and `$VAR`, and makes the path absolute.
pub(crate) fn expand(key: &str, path: &Path) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() {
        return Err(format!("`{key}` is empty"));
    }
    // A path that is not UTF-8 is not expanded.
    let Some(text) = path.to_str() else { return absolute(key, path) };
    if !text.starts_with('~') && !text.contains('$') {
        return absolute(key, path);
    }
    // Looked up only if needed: a name service (`nsswitch.conf(5)`) may be slow.
    let directory = if text.starts_with('~') { home() } else { None };
    // Without this check the path would name a directory called `~`.
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
        assert_eq!(expanded("~daemon/a.log"), std::path::absolute("~daemon/a.log").unwrap());
    }
}
