//! Reads a pidfile without its lock (rule P8).

use super::format::Record;
use super::holder::Holder;
use super::reading::Reading;
use super::trusted_path::TrustedPath;
use crate::error::Result;
use std::io;

/// The result of reading a path: the content of the file, or no file.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The path, with its open directory; `None` without a directory.
    trusted: Option<TrustedPath>,
    reading: Option<Reading>,
}

impl Probe {
    /// Returns the result where there is no directory.
    pub(crate) fn nothing() -> Probe {
        Probe { trusted: None, reading: None }
    }

    /// Reads the pidfile at this path.
    pub(super) fn of(trusted: TrustedPath) -> Result<Probe> {
        let reading = trusted.read()?;
        Ok(Probe { trusted: Some(trusted), reading })
    }

    /// Returns the path, with its open directory; `None` without a directory.
    pub(super) fn trusted(&self) -> Option<&TrustedPath> {
        self.trusted.as_ref()
    }

    /// Returns the reading; `None` without a file.
    pub(super) fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// Returns the state of the process that the file names.
    pub(crate) fn holder(&self) -> io::Result<Holder> {
        self.reading.as_ref().map_or(Ok(Holder::Nothing), Reading::holder)
    }

    /// Returns the addresses of the daemon that the file names.
    pub(crate) fn addresses(&self) -> Vec<String> {
        match &self.reading {
            Some(Reading { record: Record::Complete(_), bytes, .. }) => Record::addresses(bytes),
            _ => Vec::new(),
        }
    }

    /// Returns `true` if neither the file nor its lock file is in the directory any more.
    pub(crate) fn is_removed(&self) -> bool {
        self.trusted.as_ref().is_some_and(TrustedPath::is_removed)
    }

    /// Reads the file again in the same directory. Returns `true` if it is the same one with the same bytes.
    pub(crate) fn is_unchanged(&self) -> Result<bool> {
        let Some(trusted) = &self.trusted else { return Ok(false) };
        Ok(match (&self.reading, trusted.read()?) {
            (Some(before), Some(now)) => before.file == now.file && before.bytes == now.bytes,
            (None, None) => true,
            _ => false,
        })
    }
}
