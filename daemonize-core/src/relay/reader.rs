//! Reads bytes, numbers and limited texts.

/// The bytes of an outcome that are not read yet. Each method returns `None` if they do not begin as it expects.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn number(&mut self) -> Option<i32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_le_bytes(*number))
    }

    /// Reads at most `limit` bytes.
    pub(super) fn bytes(&mut self, limit: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok().filter(|length| *length <= limit)?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self, limit: usize) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(limit)?).ok()
    }

    /// Returns `true` if all bytes are read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
