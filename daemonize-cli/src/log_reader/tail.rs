//! Finds the last lines of a file by reading it backwards in blocks.

use super::read::{BLOCK_LENGTH, BLOCK_SIZE, ReadFailure};
use crate::options::LineCount;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

/// The place of the last lines in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastLines {
    /// The position of the first of them.
    pub(super) start: u64,
    /// The lines that the file lacks.
    pub(super) missing: LineCount,
}

/// Finds the last lines of a file that ends at `end`. A last line without a line end counts as one.
pub(super) fn start_of_last(file: &File, end: u64, lines: LineCount) -> Result<LastLines, ReadFailure> {
    let LineCount::Last(wanted) = lines else { return Ok(LastLines { start: 0, missing: LineCount::All }) };
    if wanted == 0 {
        return Ok(LastLines { start: end, missing: LineCount::Last(0) });
    }
    let mut block = vec![0; BLOCK_SIZE];
    let (mut found, mut at) = (0, end);
    while at > 0 {
        let start = at.saturating_sub(BLOCK_LENGTH);
        let wanted_bytes = usize::try_from(at - start).unwrap_or(BLOCK_SIZE);
        match file.read_exact_at(&mut block[..wanted_bytes], start) {
            Ok(()) => {}
            // Truncated since its end was looked up, as `copytruncate` of logrotate(8) does: its lines are gone.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(LastLines { start: end, missing: lines });
            }
            Err(error) => return Err(ReadFailure::Read(error)),
        }
        for (index, byte) in block[..wanted_bytes].iter().enumerate().rev() {
            let position = start + u64::try_from(index).unwrap_or_default() + 1;
            // The last line end ends a line, and begins none.
            if *byte != b'\n' || position == end {
                continue;
            }
            found += 1;
            if found == wanted {
                return Ok(LastLines { start: position, missing: LineCount::Last(0) });
            }
        }
        at = start;
    }
    let lines = if end > 0 { found + 1 } else { 0 };
    Ok(LastLines { start: 0, missing: LineCount::Last(wanted - lines) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn place(text: &[u8], lines: u64) -> (u64, LineCount) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let found = start_of_last(&file, text.len().try_into().unwrap(), LineCount::Last(lines)).unwrap();
        (found.start, found.missing)
    }

    #[test]
    fn last_lines_are_found_with_and_without_a_line_end() {
        let none = LineCount::Last(0);
        assert_eq!(place(b"a\nb\nc\n", 2), (2, none));
        assert_eq!(place(b"a\nb\nc", 2), (2, none));
        assert_eq!(place(b"a\nb\nc\n", 3), (0, none));
        assert_eq!(place(b"a\nb\nc\n", 5), (0, LineCount::Last(2)));
        assert_eq!(place(b"\n\n\n", 2), (1, none));
        assert_eq!(place(b"a\n", 0), (2, none));
        assert_eq!(place(b"", 3), (0, LineCount::Last(3)));
    }

    #[test]
    fn file_that_was_truncated_meanwhile_has_no_lines() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a\nb\n").unwrap();
        let found = start_of_last(&file, 100_000, LineCount::Last(2)).unwrap();
        assert_eq!(found, LastLines { start: 100_000, missing: LineCount::Last(2) });
    }

    #[test]
    fn last_lines_are_found_across_blocks() {
        let line = [b'x'; 999].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        let text = line.repeat(500);
        for lines in [1, 65, 66, 131, 499, 500] {
            assert_eq!(place(&text, lines), ((500 - lines) * 1000, LineCount::Last(0)));
        }
    }
}
