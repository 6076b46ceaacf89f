//! The last lines: those kept in memory, and those of a file.

use super::Place;
use memchr::{memchr, memrchr_iter};
use std::io;
use std::os::unix::fs::FileExt;

/// What is kept of a bot's lines in memory, at the most.
const KEPT: usize = 4096;

/// The last lines of one bot. Takes no memory until there is one.
#[derive(Debug, Default)]
pub(crate) struct Ring(Vec<u8>);

impl Ring {
    /// Adds whole lines; the oldest ones make room.
    pub(crate) fn push(&mut self, lines: &[u8]) {
        if lines.len() >= KEPT {
            self.0.clear();
            self.0.extend_from_slice(whole(&lines[lines.len() - KEPT..], lines.len() > KEPT));
            return;
        }
        let excess = (self.0.len() + lines.len()).saturating_sub(KEPT);
        if excess > 0 {
            // One byte earlier: a line that ends just there is whole.
            let end = memchr(b'\n', &self.0[excess - 1..]).map_or(self.0.len(), |end| excess + end);
            self.0.drain(..end);
        }
        self.0.extend_from_slice(lines);
    }

    /// The last `count` lines.
    pub(crate) fn last(&self, count: usize) -> Vec<u8> {
        last_of(&self.0, count).to_vec()
    }
}

/// What begins with a whole line: all of it, unless it was cut.
fn whole(lines: &[u8], cut: bool) -> &[u8] {
    let begin = if cut { memchr(b'\n', lines).map_or(0, |end| end + 1) } else { 0 };
    &lines[begin..]
}

/// The end of a text, from the beginning of the `count`th last line on.
fn last_of(text: &[u8], count: usize) -> &[u8] {
    let ends = text.strip_suffix(b"\n").unwrap_or(text);
    let begin = count
        .checked_sub(1)
        .map_or(text.len(), |before| memrchr_iter(b'\n', ends).nth(before).map_or(0, |end| end + 1));
    &text[begin..]
}

/// The most of a file that is looked at.
const LOOKED_AT: u64 = 1 << 20;

/// The last `count` lines of a file, and at most the last MiB of it; none when there is no such file.
pub(crate) fn last_lines(place: &Place, count: usize) -> io::Result<Vec<u8>> {
    let Some(file) = place.open_to_read()? else { return Ok(Vec::new()) };
    let size = file.metadata()?.len();
    let from = size.saturating_sub(LOOKED_AT);
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

    proptest! {
        /// The ring holds the newest whole lines, as many as have room.
        #[test]
        fn a_ring_keeps_whole_lines(lengths in proptest::collection::vec(0..900_usize, 0..40), group in 1..6_usize) {
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
            prop_assert!(ring.0.len() <= KEPT && all.ends_with(&ring.0));
            let begins = all.len() - ring.0.len();
            prop_assert!(begins == 0 || all[begins - 1] == b'\n');
            prop_assert!(begins == 0 || ring.0.len() + 900 + 16 > KEPT, "more has been dropped than had to be");
        }
    }
}
