//! Prints parts of a file.

use super::printer::Printer;
use super::read::{BLOCK_SIZE, ReadFailure};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Prints a part of a file.
pub(super) fn copy(file: &File, start: u64, end: u64, printer: &mut Printer) -> Result<(), ReadFailure> {
    let mut block = vec![0; BLOCK_SIZE];
    let mut at = start;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(BLOCK_SIZE);
        let read = file.read_at(&mut block[..wanted], at).map_err(ReadFailure::Read)?;
        if read == 0 {
            break;
        }
        printer.print(&block[..read])?;
        at += u64::try_from(read).unwrap_or_default();
    }
    Ok(())
}

/// Prints a file from a position to its end, and returns the position of the end.
pub(super) fn copy_rest(file: &File, start: u64, printer: &mut Printer) -> Result<u64, ReadFailure> {
    let mut block = vec![0; BLOCK_SIZE];
    let mut at = start;
    loop {
        let read = file.read_at(&mut block, at).map_err(ReadFailure::Read)?;
        if read == 0 {
            return Ok(at);
        }
        printer.print(&block[..read])?;
        at += u64::try_from(read).unwrap_or_default();
    }
}
