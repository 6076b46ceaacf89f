//! A mistake in a configuration, and where it is.

use daemonize_sys::escape::{escape_bytes, escape_lines};
use std::fmt;
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// So many mistakes are told one by one: a quotation mark that is missing can make hundreds of them.
const MAX_SHOWN: usize = 20;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file; empty if no file says it, but a program.
    pub file: PathBuf,
    /// The line, from 1; 0 if it is the file as a whole.
    pub line: u32,
    /// The letter in the line, from 1.
    pub column: u32,
}

impl Location {
    /// A file as a whole.
    pub(super) fn whole(file: &Path) -> Location {
        Location { file: file.to_owned(), line: 0, column: 0 }
    }

    /// Whether no file says it, but a program.
    pub(super) fn is_nowhere(&self) -> bool {
        self.file.as_os_str().is_empty()
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

/// A mistake in a configuration: where it is, what is wrong and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where it is.
    pub place: Location,
    /// What is wrong, and what to write instead.
    pub text: String,
}

impl fmt::Display for Diagnostic {
    /// "`FILE:LINE:COLUMN`: what is wrong".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_nowhere() {
            return f.write_str(&escape_lines(&self.text)); // No file says it: a program does.
        }
        write!(f, "{}: {}", self.place, escape_lines(&self.text))
    }
}

/// Everything that is wrong with a configuration: at least one mistake, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub(super) Vec<Diagnostic>);

impl Diagnostics {
    /// All mistakes, one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// As they are told to people: a line for each of the first 20, and one that counts the others.
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
    /// Its [`lines`](Diagnostics::lines).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
