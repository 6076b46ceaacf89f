//! Writes bytes, numbers and limited texts.

/// The bytes of an outcome so far.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(format: u8) -> Writer {
        Writer(vec![format])
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Writes four bytes, the lowest first.
    pub(super) fn number(&mut self, number: i32) {
        self.0.extend(number.to_le_bytes());
    }

    /// Writes the length and the first `limit` bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8], limit: usize) {
        let bytes = &bytes[..bytes.len().min(limit)];
        self.number(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.0.extend(bytes);
    }

    /// Writes a text, truncated at a character boundary.
    pub(super) fn text(&mut self, text: &str, limit: usize) {
        let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        self.bytes(&text.as_bytes()[..end.unwrap_or(0)], limit);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}
