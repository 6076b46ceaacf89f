//! The name of an instance: what `--name` adds to the name of a daemon.

use std::fmt;
use std::path::{Path, PathBuf};

/// The longest name of an instance, in bytes: file names have at most 255, and contain the names of daemon and host as well.
const MAX_INSTANCE_LENGTH: usize = 64;

/// A checked name of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceName(String);

impl InstanceName {
    /// Checks a name.
    ///
    /// # Errors
    /// It is empty, long, begins with a dot or a dash, or has other characters than letters, digits, `_`, `.` and `-`.
    pub(crate) fn parse(text: &str) -> Result<InstanceName, String> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
        if text.is_empty() || text.starts_with(['.', '-']) || !text.chars().all(is_plain) {
            return Err(
                "the name of an instance has letters, digits, `_`, `.` and `-`, and begins with none of the last two"
                    .into(),
            );
        }
        if text.len() > MAX_INSTANCE_LENGTH {
            return Err(format!("the name of an instance has at most {MAX_INSTANCE_LENGTH} characters"));
        }
        Ok(InstanceName(text.to_owned()))
    }

    /// Returns the name of the daemon: `myd@blue`.
    pub(crate) fn daemon_name(&self, name: &str) -> String {
        format!("{name}@{}", self.0)
    }

    /// Returns the path of a file for this instance: `/run/myd@blue.pid` for `/run/myd.pid`.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let Some(stem) = path.file_stem() else { return path.to_owned() };
        let mut name = stem.to_owned();
        name.push(format!("@{}", self.0));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_name_that_could_leave_its_directory_is_refused() {
        for text in ["", ".", "..", ".a", "-a", "a/b", "a b", "a\n", "ü", "a@b", "%i", &"a".repeat(65)] {
            assert!(InstanceName::parse(text).is_err(), "{text:?}");
        }
        for text in ["blue", "8080", "a.b-c_d", "_x"] {
            assert_eq!(InstanceName::parse(text).unwrap().daemon_name("myd"), format!("myd@{text}"));
        }
    }

    #[test]
    fn path_of_an_instance_has_its_name_before_the_ending() {
        let blue = InstanceName::parse("blue").unwrap();
        assert_eq!(blue.path(Path::new("/run/myd.pid")), Path::new("/run/myd@blue.pid"));
        assert_eq!(blue.path(Path::new("/run/myd")), Path::new("/run/myd@blue"));
    }
}
