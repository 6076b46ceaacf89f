//! The last lines of a text, and of a log file.

use super::LogPath;
use super::log_file::FileExtent;
use super::truncate::without_rest_of_character;
use memchr::{memchr, memrchr_iter};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

/// Returns `text` from its first whole line on, if its beginning `is_cut` off; of text that is one line, the end of that line.
fn whole(text: &[u8], is_cut: bool) -> &[u8] {
    if !is_cut {
        return text;
    }
    match memchr(b'\n', text) {
        Some(end) if end + 1 < text.len() => &text[end + 1..],
        _ => without_rest_of_character(text),
    }
}

/// Returns the last `count` lines of a text.
pub(super) fn last_of(text: &[u8], count: usize) -> &[u8] {
    let ends = text.strip_suffix(b"\n").unwrap_or(text);
    let begin = count
        .checked_sub(1)
        .map_or(text.len(), |before| memrchr_iter(b'\n', ends).nth(before).map_or(0, |end| end + 1));
    &text[begin..]
}

/// The end of a log file.
pub(super) struct FileEnd {
    /// Whole lines, except if the file ends with a part of one.
    pub(super) text: Vec<u8>,
    /// The offset of the first one in the file.
    pub(super) offset: u64,
    /// `true` if it is the file with the expected extent.
    pub(super) is_expected: bool,
    pub(super) modified: Option<SystemTime>,
}

/// Returns the last lines of a file, from at most this many bytes; `None` if the file does not exist. What was written after the
/// file had the expected extent is left out.
pub(super) fn last_bytes(path: &LogPath, share: u64, expected: Option<FileExtent>) -> io::Result<Option<FileEnd>> {
    let Some(file) = path.open_to_read()? else { return Ok(None) };
    let status = file.metadata()?;
    let expected = expected.filter(|known| known.id == (status.dev(), status.ino()) && known.length <= status.len());
    let size = expected.map_or(status.len(), |known| known.length);
    let from = size.saturating_sub(share);
    let mut text = vec![0; usize::try_from(size - from).unwrap_or(0)];
    file.read_exact_at(&mut text, from)?;
    let cut = text.len() - whole(&text, from > 0).len();
    text.drain(..cut);
    let offset = from + cut as u64;
    Ok(Some(FileEnd { text, offset, is_expected: expected.is_some(), modified: status.modified().ok() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_counted_from_the_end() {
        for (count, expected) in [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")] {
            assert_eq!(last_of(b"a\nb\nc\n", count), expected.as_bytes());
        }
        assert_eq!(last_of(b"a\nb", 1), b"b");
        assert_eq!(last_of(b"\n\n", 1), b"\n");
    }

    /// Promise 6.51. Another program may have written a line of more than the last MiB of the file.
    #[test]
    fn text_of_one_line_whose_beginning_is_cut_off_is_its_end() {
        assert_eq!(whole(&"\u{ae38}end\n".as_bytes()[1..], true), b"end\n");
        assert_eq!(whole(b"cut\nwhole\n", true), b"whole\n");
        assert_eq!(whole(b"whole\n", false), b"whole\n");
    }
}
