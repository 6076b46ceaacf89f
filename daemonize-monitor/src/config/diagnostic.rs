//! Errors and warnings about a configuration, with their location.

use daemonize_sys::escape::{escape_bytes, escape_lines};
use std::fmt;
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The maximum number of errors that are printed: a missing quotation mark can cause hundreds.
const MAX_SHOWN: usize = 20;

/// A location in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file; empty for a value that a program has set.
    pub file: PathBuf,
    /// The line, from 1; 0 means the whole file.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

impl Location {
    /// Returns the location of a whole file.
    pub(super) fn whole(file: &Path) -> Location {
        Location { file: file.to_owned(), line: 0, column: 0 }
    }

    /// Returns `true` for a value that a program has set.
    pub(super) fn is_nowhere(&self) -> bool {
        self.file.as_os_str().is_empty()
    }

    /// Returns `, at FILE:LINE:COLUMN`, for what another one is in conflict with; empty for a value that a program has set.
    pub(super) fn elsewhere(&self) -> String {
        if self.is_nowhere() { String::new() } else { format!(", at {self}") }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = escape_bytes(self.file.as_os_str().as_bytes());
        match self.line {
            0 => write!(f, "{file}"),
            line => write!(f, "{file}:{line}:{}", self.column),
        }
    }
}

/// An error or warning about a configuration: its location, and a message with a fix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The location.
    pub place: Location,
    /// The message: what is wrong, and what to write instead.
    pub text: String,
}

impl fmt::Display for Diagnostic {
    /// Formats as `FILE:LINE:COLUMN: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_nowhere() {
            return f.write_str(&escape_lines(&self.text));
        }
        write!(f, "{}: {}", self.place, escape_lines(&self.text))
    }
}

/// All errors in a configuration, at least one, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub(super) Vec<Diagnostic>);

impl Diagnostics {
    /// Returns an iterator over all errors.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Returns a line for each of the first 20 errors, and one that counts the others.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let more = match self.0.len().saturating_sub(MAX_SHOWN) {
            0 => None,
            1 => Some("1 more mistake".to_owned()),
            more => Some(format!("{more} more mistakes")),
        };
        let told = self.0.iter().take(MAX_SHOWN).map(ToString::to_string);
        told.chain(iter::once(more).flatten())
    }
}

impl fmt::Display for Diagnostics {
    /// Formats as its [`lines`](Diagnostics::lines).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
