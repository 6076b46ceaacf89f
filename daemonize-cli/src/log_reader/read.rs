//! Reading a file of a log: in blocks, with failures that say what failed.

use nix::sys::stat::fstat;
use std::fs::File;
use std::io;

/// The number of bytes that are read at once.
pub(super) const BLOCK_SIZE: usize = 64 * 1024;

/// The number of bytes of [`BLOCK_SIZE`], for positions in files.
pub(super) const BLOCK_LENGTH: u64 = 64 * 1024;

/// A failure of reading or printing.
#[derive(Debug)]
pub(crate) enum ReadFailure {
    /// The file is not believed, or cannot be opened; the text names it.
    Open(String),
    /// Reading failed.
    Read(io::Error),
    /// Printing failed.
    Print(io::Error),
}

/// Returns the length of a file.
pub(super) fn length(file: &File) -> Result<u64, ReadFailure> {
    let status = fstat(file).map_err(|errno| ReadFailure::Read(errno.into()))?;
    Ok(u64::try_from(status.st_size).unwrap_or_default())
}
