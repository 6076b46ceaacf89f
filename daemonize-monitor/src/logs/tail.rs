//! The last lines of a bot: a bounded ring in memory, and the end of a log file.

use super::LogPath;
use super::truncate::{prefix, without_rest_of_character};
use memchr::{memchr, memrchr, memrchr_iter};
use std::io;
use std::os::unix::fs::FileExt;

/// The capacity of a ring.
const RING_BYTES: usize = 8192;

/// The maximum length of one line in a ring, so that one long line does not displace all others.
const MAX_LINE_BYTES: usize = 4096;
/// The space reserved for the note of omitted bytes in a truncated line.
const NOTE_BYTES: usize = 40;

/// The last lines of one bot. Takes no memory until the first line.
#[derive(Debug, Default)]
pub(crate) struct Ring(Vec<u8>);

impl Ring {
    /// Adds whole lines and drops the oldest ones. A line over [`MAX_LINE_BYTES`] is truncated, with a note of the omitted bytes.
    pub(crate) fn push(&mut self, lines: &[u8]) {
        let (kept, are_short) = newest(lines);
        if kept.len() < lines.len() {
            // A newer line is dropped, so all older ones are, too: the ring has no gaps.
            self.0.clear();
        }
        if are_short {
            return self.add(kept);
        }
        let mut short = Vec::with_capacity(RING_BYTES);
        for line in kept.split_inclusive(|byte| *byte == b'\n') {
            if line.len() <= MAX_LINE_BYTES {
                short.extend_from_slice(line);
            } else {
                short.extend_from_slice(&shortened(line));
            }
        }
        self.add(&short);
    }

    /// Adds lines that fit once the oldest ones are dropped.
    fn add(&mut self, lines: &[u8]) {
        let excess = (self.0.len() + lines.len()).saturating_sub(RING_BYTES);
        if excess > 0 {
            // One byte earlier, so that a line that ends exactly there counts as whole.
            let end = memchr(b'\n', &self.0[excess - 1..]).map_or(self.0.len(), |end| excess + end);
            self.0.drain(..end);
        }
        self.0.extend_from_slice(lines);
    }

    /// Returns the last `count` lines.
    pub(crate) fn last(&self, count: usize) -> Vec<u8> {
        last_of(&self.0, count).to_vec()
    }
}

/// Returns the last lines that fit into a ring once they are truncated, and `true` if none needs to be. This bounds the work for
/// a bot that prints much.
fn newest(lines: &[u8]) -> (&[u8], bool) {
    let (mut begin, mut size, mut are_short) = (lines.len(), 0, true);
    while begin > 0 {
        let line = memrchr(b'\n', &lines[..begin - 1]).map_or(0, |end| end + 1);
        let length = begin - line;
        size += length.min(MAX_LINE_BYTES);
        if size > RING_BYTES {
            break;
        }
        are_short &= length <= MAX_LINE_BYTES;
        begin = line;
    }
    (&lines[begin..], are_short)
}

/// Returns the beginning of a line, with a note of the omitted bytes.
fn shortened(line: &[u8]) -> Vec<u8> {
    let part = prefix(line, MAX_LINE_BYTES - NOTE_BYTES);
    let mut short = part.to_vec();
    let left_out = line.len() - part.len() - 1;
    // The sequence that resets the colours may be among the omitted bytes.
    let reset = if memchr(0x1b, part).is_some() { "\x1b[0m" } else { "" };
    short.extend_from_slice(format!("{reset} [{left_out} more bytes]\n").as_bytes());
    short
}

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
fn last_of(text: &[u8], count: usize) -> &[u8] {
    let ends = text.strip_suffix(b"\n").unwrap_or(text);
    let begin = count
        .checked_sub(1)
        .map_or(text.len(), |before| memrchr_iter(b'\n', ends).nth(before).map_or(0, |end| end + 1));
    &text[begin..]
}

/// How much of the end of a file is read.
const MAX_TAIL_BYTES: u64 = 1 << 20;

/// Returns the last `count` lines of a file, from at most its last MiB; none if the file does not exist.
pub(crate) fn last_lines(path: &LogPath, count: usize) -> io::Result<Vec<u8>> {
    let Some(file) = path.open_to_read()? else { return Ok(Vec::new()) };
    let size = file.metadata()?.len();
    let from = size.saturating_sub(MAX_TAIL_BYTES);
    let mut text = vec![0; usize::try_from(size - from).unwrap_or(0)];
    file.read_exact_at(&mut text, from)?;
    Ok(last_of(whole(&text, from > 0), count).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_lines_are_counted_from_the_end() {
        for (count, expected) in [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")] {
            assert_eq!(last_of(b"a\nb\nc\n", count), expected.as_bytes());
        }
        assert_eq!(last_of(b"a\nb", 1), b"b");
        assert_eq!(last_of(b"\n\n", 1), b"\n");
    }

    /// Promise 6.51.
    #[test]
    fn ring_with_long_line_keeps_the_lines_around_it() {
        for size in [MAX_LINE_BYTES - 1, MAX_LINE_BYTES, RING_BYTES - 1, RING_BYTES, 2 * RING_BYTES] {
            let (mut ring, long) = (Ring::default(), "\u{ae38}".repeat(size / 3) + &"x".repeat(size % 3));
            ring.push(b"before\n");
            ring.push(format!("{long}\nafter\n").as_bytes());
            let text = String::from_utf8(ring.last(9)).expect("whole characters");
            let lines: Vec<&str> = text.lines().collect();
            let [before, kept, after] = lines[..] else { panic!("{size}: {text}") };
            assert_eq!((before, after), ("before", "after"), "{size}");
            assert!(kept.len() < MAX_LINE_BYTES, "{size}");
            let (short, note) = kept.rsplit_once(" [").unwrap_or((kept, "0 more bytes]"));
            assert!(long.starts_with(short) && note == format!("{} more bytes]", size - short.len()), "{size}: {note}");
        }
    }

    /// Promise 6.51.
    #[test]
    fn ring_leaves_out_no_line_between_those_that_it_keeps() {
        let mut ring = Ring::default();
        ring.push(b"before\n");
        ring.push((format!("{}\n", "x".repeat(MAX_LINE_BYTES)).repeat(3) + "after\n").as_bytes());
        let text = String::from_utf8(ring.last(9)).expect("text");
        assert!(text.starts_with('x') && text.ends_with("]\nafter\n"), "{text}");
    }

    /// Promise 6.51. Another program may have written a line of more than the last MiB of the file.
    #[test]
    fn text_of_one_line_whose_beginning_is_cut_off_is_its_end() {
        assert_eq!(whole(&"\u{ae38}end\n".as_bytes()[1..], true), b"end\n");
        assert_eq!(whole(b"cut\nwhole\n", true), b"whole\n");
        assert_eq!(whole(b"whole\n", false), b"whole\n");
    }

    proptest! {
        /// The ring holds the newest whole lines, as many as have room.
        #[test]
        fn a_ring_keeps_whole_lines(lengths in proptest::collection::vec(0..900_usize, 0..40), group in 1..41_usize) {
            let lines: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(at, length)| {
                let mut line = format!("{at}:").into_bytes();
                line.extend(std::iter::repeat_n(b'x', *length));
                line.push(b'\n');
                line
            }).collect();
            let mut ring = Ring::default();
            for some in lines.chunks(group) {
                ring.push(&some.concat());
            }
            let all = lines.concat();
            prop_assert!(ring.0.len() <= RING_BYTES && all.ends_with(&ring.0));
            let begins = all.len() - ring.0.len();
            prop_assert!(begins == 0 || all[begins - 1] == b'\n');
            prop_assert!(begins == 0 || ring.0.len() + 900 + 16 > RING_BYTES, "more has been dropped than had to be");
        }
    }
}
