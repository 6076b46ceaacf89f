//! Reads the files of another supervisor: text of others, of which nothing is executed.

use daemonize_sys::escape::escape;
use std::fmt::{self, Display};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The most bytes of one file.
const MAX_SOURCE_BYTES: u64 = 1 << 20;

/// The most files that a source includes.
const MAX_INCLUDED_FILES: usize = 200;

/// The most parts of the path of an include that have wildcards: links in each directory may lead back to it, and multiply the paths.
const MAX_WILD_PARTS: usize = 2;

/// The text of a file.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Its path for messages; `-` for standard input.
    pub(super) name: String,
    /// The directory in which its relative paths begin, absolute.
    pub(super) directory: PathBuf,
    pub(super) text: String,
}

/// An error in a source, with its place.
#[derive(Debug)]
pub(super) struct SourceError {
    file: String,
    /// 0 for the whole file.
    line: usize,
    column: usize,
    text: String,
}

impl Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", escape(&self.file))?;
        if self.line > 0 {
            write!(formatter, "{}:", self.line)?;
        }
        if self.column > 0 {
            write!(formatter, "{}:", self.column)?;
        }
        write!(formatter, " {}", self.text)
    }
}

impl SourceFile {
    /// Reads a file, or standard input if the path is `-`.
    ///
    /// # Errors
    /// It cannot be read, is larger than 1 MiB, or is not UTF-8.
    pub(super) fn read(path: &Path) -> Result<SourceFile, SourceError> {
        let name = path.display().to_string();
        let failed = |cause: &dyn Display| SourceError::whole(&name, format!("failed to read it: {cause}"));
        let here = std::env::current_dir().map_err(|error| failed(&error))?;
        if path == Path::new("-") {
            let text = text(io::stdin().lock()).map_err(|error| failed(&error))?;
            return Ok(SourceFile { name, directory: here, text });
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = directory.canonicalize().map_err(|error| failed(&error))?;
        let text = open(path).and_then(text).map_err(|error| failed(&error))?;
        Ok(SourceFile { name, directory, text })
    }

    /// Reads the files that a pattern of `include` means: files of this file's directory or below.
    ///
    /// # Errors
    /// The reason for which they are not read.
    pub(super) fn included(&self, pattern: &str) -> Result<Vec<SourceFile>, String> {
        let path = self.directory.join(pattern);
        let outside = "it is not below the directory of the file that includes it: import it on its own";
        if !path.starts_with(&self.directory) || path.components().any(|part| part.as_os_str() == "..") {
            return Err(outside.into());
        }
        if pattern.contains("**")
            || pattern.split('/').filter(|part| part.contains(['*', '?', '['])).count() > MAX_WILD_PARTS
        {
            return Err(format!(
                "more than {MAX_WILD_PARTS} parts of its path have wildcards: import the files on their own"
            ));
        }
        let pattern = path.to_str().ok_or("its path is not UTF-8")?;
        let found = glob::glob(pattern).map_err(|error| format!("it is not a pattern: {}", error.msg))?;
        let mut files = Vec::new();
        for path in found.filter_map(Result::ok) {
            if files.len() >= MAX_INCLUDED_FILES {
                return Err(format!("more than {MAX_INCLUDED_FILES} files match: import them on their own"));
            }
            // A link may lead elsewhere.
            let real = path.canonicalize().map_err(|error| error.to_string())?;
            if !real.starts_with(&self.directory) {
                return Err(format!("`{}` leads elsewhere: import it on its own", path.display()));
            }
            let text =
                open(&real).and_then(text).map_err(|error| format!("failed to read `{}`: {error}", path.display()))?;
            files.push(SourceFile { name: path.display().to_string(), directory: self.directory.clone(), text });
        }
        if files.is_empty() { Err("no file is there".into()) } else { Ok(files) }
    }

    /// Returns an error at a line.
    pub(super) fn error(&self, line: usize, text: impl Into<String>) -> SourceError {
        SourceError { line, ..SourceError::whole(&self.name, text) }
    }

    /// Returns an error at a line and column.
    pub(super) fn error_at(&self, line: usize, column: usize, text: impl Into<String>) -> SourceError {
        SourceError { line, column, ..SourceError::whole(&self.name, text) }
    }

    #[cfg(test)]
    pub(super) fn of_text(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.into(), directory: "/srv/app".into(), text: text.into() }
    }
}

impl SourceError {
    fn whole(file: &str, text: impl Into<String>) -> SourceError {
        SourceError { file: file.to_owned(), line: 0, column: 0, text: text.into() }
    }
}

/// Opens a file without waiting for a writer of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

fn text(file: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SOURCE_BYTES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn include_by_a_pattern_that_links_multiply_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..20 {
            std::os::unix::fs::symlink(".", directory.path().join(format!("l{number}"))).unwrap();
        }
        std::fs::write(directory.path().join("a.conf"), "").unwrap();
        let file = SourceFile { directory: directory.path().canonicalize().unwrap(), ..SourceFile::of_text("f", "") };
        assert_eq!(file.included("*.conf").unwrap().len(), 1);
        for pattern in ["*/*/*/*/*/*/*/*/*/*/*/*.ini", "**/*.conf"] {
            assert!(file.included(pattern).unwrap_err().contains("wildcards"), "{pattern}");
        }
    }
}
