//! The last lines of a text, and of a log file.

use super::truncate::without_rest_of_character;
use memchr::{memchr, memrchr_iter};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

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

/// A part of a log file.
pub(super) struct Block {
    /// Whole lines, except if the file ends with a part of one. A line that is longer than a block becomes several.
    pub(super) text: Vec<u8>,
    /// The offset of the first one in the file.
    pub(super) offset: u64,
}

/// Reads the lines of a file before this offset, from at most `size` bytes.
pub(super) fn block_before(file: &File, end: u64, size: u64) -> io::Result<Block> {
    let from = end.saturating_sub(size);
    let mut text = Vec::new();
    // Another program may truncate the file meanwhile: then less is read.
    Window { file, offset: from }.take(end - from).read_to_end(&mut text)?;
    let cut = text.len() - whole(&text, from > 0).len();
    text.drain(..cut);
    // Each block begins before the last one, so that the reading of a file ends.
    let offset = if text.is_empty() { from } else { from + cut as u64 };
    Ok(Block { text, offset })
}

/// Reads a file from an offset on, and leaves its position as it is.
struct Window<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_lines_are_counted_from_the_end() {
        for (count, expected) in [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")] {
            assert_eq!(last_of(b"a\nb\nc\n", count), expected.as_bytes());
        }
        assert_eq!(last_of(b"a\nb", 1), b"b");
        assert_eq!(last_of(b"\n\n", 1), b"\n");
    }

    /// Promise 6.51. Another program may have written a line of more than a block.
    #[test]
    fn text_of_one_line_whose_beginning_is_cut_off_is_its_end() {
        assert_eq!(whole(&"\u{ae38}end\n".as_bytes()[1..], true), b"end\n");
        assert_eq!(whole(b"cut\nwhole\n", true), b"whole\n");
        assert_eq!(whole(b"whole\n", false), b"whole\n");
    }

    /// Reads a file in blocks of this size, the last one first.
    fn blocks(text: &[u8], size: u64) -> Vec<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let (mut end, mut blocks) = (text.len() as u64, Vec::new());
        while end > 0 {
            let block = block_before(&file, end, size).unwrap();
            assert!(block.offset < end);
            end = block.offset;
            blocks.push(String::from_utf8(block.text).expect("whole characters"));
        }
        blocks
    }

    #[test]
    fn blocks_have_whole_lines_and_leave_nothing_out() {
        assert_eq!(blocks(b"one\ntwo\nthree\n", 8), ["three\n", "one\ntwo\n"]);
        assert_eq!(blocks(b"one\ntwo\nthree", 100), ["one\ntwo\nthree"]);
        let text = "\u{ae38}\u{1f600}".repeat(100) + "\nend\n";
        let mut pieces = blocks(text.as_bytes(), 50);
        pieces.reverse();
        assert_eq!(pieces.concat(), text);
    }

    /// Promise 6.83. Logrotate with `copytruncate`.
    #[test]
    fn file_that_is_truncated_while_it_is_read_has_no_more_lines() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntwo\nthree\n").unwrap();
        file.set_len(2).unwrap();
        for end in [14, 8] {
            let block = block_before(&file, end, 6).unwrap();
            assert!(block.text.is_empty() && block.offset == end - 6);
        }
    }
}
