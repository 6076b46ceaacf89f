//! The text of a unit, line by line.

use std::fmt::{Display, Write};
use std::path::Path;

/// A unit in the making.
#[derive(Default)]
pub(super) struct UnitText(pub(super) String);

impl UnitText {
    pub(super) fn section(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}[{name}]");
    }

    pub(super) fn set(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.0, "{key}={value}");
    }

    /// Sets several keys to `yes`.
    pub(super) fn enable(&mut self, keys: &[&str]) {
        for key in keys {
            self.set(key, "yes");
        }
    }
}

/// Returns `X` for a file `/run/X/FILE`.
pub(super) fn directory_in_run(file: &Path) -> Option<String> {
    let directory = file.parent()?;
    let name = directory.strip_prefix("/run").or_else(|_| directory.strip_prefix("/var/run")).ok()?;
    let is_one_name = name.components().count() == 1 && !name.starts_with("user");
    is_one_name.then(|| name.to_string_lossy().into_owned())
}
