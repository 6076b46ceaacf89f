//! Splits the bytes of a pipe into whole lines of bounded length.

use super::truncate::prefix;
use memchr::memrchr;

/// The maximum length of a line; a longer one is split.
pub(crate) const MAX_LINE_BYTES: usize = 16 * 1024;

/// A buffer for the beginning of a line whose end has not been read yet.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    partial: Vec<u8>,
}

impl LineBuffer {
    /// Adds bytes, and returns the whole lines, each with its newline. The rest is kept for the next call.
    pub(crate) fn push<'a>(&'a mut self, piece: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
        let Some(last) = memrchr(b'\n', piece) else {
            self.partial.extend_from_slice(piece);
            return self.overflow(buffer);
        };
        let (whole, rest) = piece.split_at(last + 1);
        if self.partial.is_empty() && are_short(whole) {
            self.partial.extend_from_slice(rest);
            return whole;
        }
        buffer.clear();
        self.partial.extend_from_slice(whole);
        split_long(&self.partial, buffer);
        self.keep(rest);
        buffer
    }

    /// Returns the rest as a line: the pipe is at its end.
    pub(crate) fn end<'a>(&mut self, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        buffer.clear();
        if !self.partial.is_empty() {
            self.partial.push(b'\n');
            split_long(&self.partial, buffer);
            self.partial = Vec::new();
        }
        buffer
    }

    /// Returns the beginning of a line that exceeds [`MAX_LINE_BYTES`].
    fn overflow<'a>(&mut self, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        buffer.clear();
        let mut begin = 0;
        while self.partial.len() - begin > MAX_LINE_BYTES {
            let part = prefix(&self.partial[begin..], MAX_LINE_BYTES);
            buffer.extend_from_slice(part);
            buffer.push(b'\n');
            begin += part.len();
        }
        if begin > 0 {
            let rest = self.partial.split_off(begin);
            self.keep(&rest);
        }
        buffer
    }

    /// Keeps the beginning of a line, in no more memory than it needs.
    fn keep(&mut self, rest: &[u8]) {
        self.partial = Vec::new();
        self.partial.extend_from_slice(rest);
    }
}

/// Returns `true` if no line of whole lines exceeds [`MAX_LINE_BYTES`]. Looks at few of them: all lines up to the last end within
/// that many bytes are short.
fn are_short(mut lines: &[u8]) -> bool {
    while lines.len() > MAX_LINE_BYTES + 1 {
        match memrchr(b'\n', &lines[..=MAX_LINE_BYTES]) {
            Some(end) => lines = &lines[end + 1..],
            None => return false,
        }
    }
    true
}

/// Copies lines, and splits those that exceed [`MAX_LINE_BYTES`].
fn split_long(lines: &[u8], buffer: &mut Vec<u8>) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let mut text = line.strip_suffix(b"\n").unwrap_or(line);
        while text.len() > MAX_LINE_BYTES {
            let (part, rest) = text.split_at(prefix(text, MAX_LINE_BYTES).len());
            buffer.extend_from_slice(part);
            buffer.push(b'\n');
            text = rest;
        }
        buffer.extend_from_slice(text);
        buffer.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the lines of all the pieces.
    fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut lines, mut buffer, mut out) = (LineBuffer::default(), Vec::new(), Vec::new());
        for piece in pieces {
            let whole = lines.push(piece, &mut buffer);
            assert!(whole.is_empty() || whole.ends_with(b"\n"), "half a line was handed on");
            out.extend_from_slice(whole);
            assert!(lines.partial.len() <= MAX_LINE_BYTES);
        }
        out.extend_from_slice(lines.end(&mut buffer));
        out
    }

    #[test]
    fn line_is_returned_when_its_end_is_read() {
        let (mut lines, mut buffer) = (LineBuffer::default(), Vec::new());
        assert_eq!(lines.push(b"one\ntw", &mut buffer), b"one\n");
        assert_eq!(lines.push(b"o", &mut buffer), b"");
        assert_eq!(lines.push(b"\nthree\nfo", &mut buffer), b"two\nthree\n");
        assert_eq!(lines.end(&mut buffer), b"fo\n");
        assert_eq!(lines.end(&mut buffer), b"");
    }

    /// Promise 6.08.
    #[test]
    fn line_without_end_is_split_in_bounded_memory() {
        let piece = [b'x'; 5000];
        let out = through(&[&piece[..]; 100]);
        assert_eq!(out.split(|byte| *byte == b'x').skip(1).count(), 500_000);
        assert!(out.split(|byte| *byte == b'\n').all(|line| line.len() <= MAX_LINE_BYTES));
    }

    /// Promise 6.51. Pieces that end inside of characters and of colours.
    #[test]
    fn line_over_the_limit_is_broken_between_characters() {
        let text = "\x1b[38;5;200m\u{ae38}\u{1f600}e\u{301}".repeat(4000) + "\n";
        for size in [1, 7, 4096, 65_536, text.len()] {
            let out = through(&text.as_bytes().chunks(size).collect::<Vec<_>>());
            let lines: Vec<&str> = std::str::from_utf8(&out).expect("whole characters").lines().collect();
            assert_eq!(lines.concat() + "\n", text, "{size}");
            for line in lines {
                assert!(line.len() <= MAX_LINE_BYTES, "{size}");
                assert_eq!(line.matches('\x1b').count(), line.matches("\x1b[38;5;200m").count(), "{size}");
            }
        }
    }

    /// Promise 6.51. The end of a line of just the limit may come later than the line.
    #[test]
    fn line_of_the_limit_is_one_line_whenever_its_end_comes() {
        let line = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(through(&[&line, b"\n", b"y\n"]), [&line[..], b"\ny\n"].concat());
    }

    #[test]
    fn line_over_the_limit_is_found_among_short_ones() {
        const MAX: usize = MAX_LINE_BYTES;
        for (lengths, expected) in [
            (&[MAX, MAX, 0][..], true),
            (&[10, MAX, 0, MAX - 1, MAX], true),
            (&[MAX + 1], false),
            (&[MAX + 1, 1], false),
            (&[1, MAX + 1], false),
            (&[MAX, 5, MAX + 1, 5], false),
        ] {
            let lines: Vec<u8> = lengths.iter().flat_map(|length| [&vec![b'x'; *length][..], b"\n"].concat()).collect();
            assert_eq!(are_short(&lines), expected, "{lengths:?}");
        }
    }

    proptest! {
        /// However the pieces are cut, the lines are the same.
        #[test]
        fn lines_do_not_depend_on_how_they_come(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a')], 0..400),
            cuts in proptest::collection::vec(0..400_usize, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            let mut expected = text.clone();
            if expected.last().is_some_and(|last| *last != b'\n') {
                expected.push(b'\n');
            }
            prop_assert_eq!(through(&pieces), expected);
        }
    }
}
