//! The directory in which relative paths of a source begin.

use super::document::literal;
use std::path::{Path, PathBuf};

/// The directory of a source, and whether the configuration is written there too.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// Absolute.
    pub(super) directory: PathBuf,
    /// `true` if relative paths may stay as they are: the configuration is in the same directory.
    pub(super) stay_relative: bool,
}

impl Paths {
    /// Returns the path that `path` is, in which variables are expanded.
    pub(super) fn join(&self, path: &str) -> String {
        self.join_to(None, path)
    }

    /// Returns the path that `path` is in the directory `base`, or in that of the source. Both may hold variables.
    pub(super) fn join_to(&self, base: Option<&str>, path: &str) -> String {
        let is_absolute = path.starts_with('/') || path.starts_with("~/") || path.starts_with("${");
        let path = path.strip_prefix("./").unwrap_or(path);
        match base {
            _ if is_absolute => path.to_owned(),
            Some(base) => format!("{}/{path}", base.trim_end_matches('/')),
            None if self.stay_relative => format!("./{path}"),
            None => format!("{}/{path}", literal(&self.directory.display().to_string()).trim_end_matches('/')),
        }
    }

    /// Returns the directory of the source as a value, unless the configuration is in it.
    pub(super) fn working_directory(&self) -> Option<String> {
        let is_default = self.stay_relative && !is_of_the_machine(&self.directory);
        (!is_default).then(|| literal(&self.directory.display().to_string()))
    }
}

/// Returns `true` for directories in which bots run in `/` by default.
fn is_of_the_machine(directory: &Path) -> bool {
    ["/etc", "/usr"].iter().any(|machines| directory.starts_with(machines))
}
