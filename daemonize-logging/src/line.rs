//! The text of one record as one line: escaped, and of bounded length.

use daemonize_sys::escape::escape;
use std::borrow::Cow;
use std::fmt::{self, Write};

/// The longest line of the log, in bytes.
pub(crate) const MAX_LINE: usize = 64 * 1024;

/// Passes text on as one line: escapes control characters and line ends, and leaves out what exceeds a limit.
///
/// A line end at the very end is not text; [`finish`](LineWriter::finish) drops it.
pub(crate) struct LineWriter<'a> {
    out: &'a mut dyn Write,
    /// The number of bytes that may follow.
    left: usize,
    /// The number of bytes of the text that were left out.
    left_out: usize,
    /// The last letter was a line end, and is written only if text follows.
    ends_line: bool,
}

impl<'a> LineWriter<'a> {
    /// Returns a writer of at most `limit` bytes, without the note about those that were left out.
    pub(crate) fn new(out: &'a mut dyn Write, limit: usize) -> LineWriter<'a> {
        LineWriter { out, left: limit, left_out: 0, ends_line: false }
    }

    /// Ends the text, without a line end.
    pub(crate) fn finish(self) -> fmt::Result {
        match self.left_out {
            0 => Ok(()),
            bytes => write!(self.out, " [{bytes} bytes left out]"),
        }
    }

    fn put(&mut self, text: &str) -> fmt::Result {
        // Most text needs no look at its characters. The loop has no early exit, so that the compiler vectorizes it.
        let is_printable = text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
        let escaped = if is_printable { Cow::Borrowed(text) } else { escape(text) };
        if self.left_out == 0 && escaped.len() <= self.left {
            self.left -= escaped.len();
            return self.out.write_str(&escaped);
        }
        let mut kept = if self.left_out == 0 { self.left } else { 0 };
        while !escaped.is_char_boundary(kept) {
            kept -= 1;
        }
        self.left_out += escaped.len() - kept;
        self.out.write_str(&escaped[..kept])
    }
}

impl Write for LineWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.is_empty() {
            return Ok(());
        }
        if self.ends_line {
            self.put("\n")?;
        }
        let body = text.strip_suffix('\n');
        self.ends_line = body.is_some();
        self.put(body.unwrap_or(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(parts: &[&str], limit: usize) -> String {
        let mut out = String::new();
        let mut writer = LineWriter::new(&mut out, limit);
        for part in parts {
            writer.write_str(part).unwrap();
        }
        writer.finish().unwrap();
        out
    }

    #[test]
    fn line_end_inside_is_escaped_and_at_the_end_dropped() {
        assert_eq!(line(&["a\nb\r", "c\n"], 99), "a\\nb\\rc");
        assert_eq!(line(&["a\n", "b"], 99), "a\\nb");
        assert_eq!(line(&["a\n", "\n", ""], 99), "a\\n");
        assert_eq!(line(&["\x1b[31mred\u{202e}"], 99), "\\u{1b}[31mred\\u{202e}");
    }

    #[test]
    fn long_text_is_cut_at_a_character_and_the_rest_counted() {
        assert_eq!(line(&["12345"], 5), "12345");
        assert_eq!(line(&["1234ü", "more"], 5), "1234 [6 bytes left out]");
        assert_eq!(line(&["12345", "\n"], 5), "12345");
    }

    proptest! {
        #[test]
        fn line_of_any_parts_is_one_printable_line(parts in proptest::collection::vec(".{0,9}[\n\r\x1b\u{85}\u{2028}]?", 0..6)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let line = line(&parts, 1000);
            prop_assert!(!line.contains(daemonize_sys::escape::is_escaped), "{:?}", line);
        }
    }
}
