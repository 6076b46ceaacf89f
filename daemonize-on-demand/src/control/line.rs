//! One line of the protocol: a word, and pairs `key=value`.

use crate::greeting::escaped_value::{escape_value, unescape_value};
use std::fmt::Display;
use std::str::FromStr;

/// The most pairs in a line. More are refused before they are looked at.
const MAX_PAIRS: usize = 32;

/// A line that was read.
#[derive(Debug)]
pub(super) struct ControlLine<'a> {
    pub(super) word: &'a str,
    pairs: Vec<(&'a str, String)>,
}

impl ControlLine<'_> {
    /// Reads a line of at most `limit` bytes; its end may be missing. `None` if it is not one, or if a key is repeated.
    pub(super) fn parse(line: &[u8], limit: usize) -> Option<ControlLine<'_>> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() >= limit {
            return None;
        }
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        let word = words.next()?;
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for pair in words {
            let (key, value) = pair.split_once('=')?;
            let value = unescape_value(value)?;
            if pairs.len() == MAX_PAIRS || pairs.iter().any(|(known, _)| *known == key) {
                return None;
            }
            pairs.push((key, value));
        }
        Some(ControlLine { word, pairs })
    }

    /// Returns a value; `None` if the key is missing.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }

    /// Returns a number; `None` if the key is missing, or its value is not a decimal number without a sign.
    pub(super) fn number<T: FromStr>(&self, key: &str) -> Option<T> {
        self.text(key).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    }
}

/// A line that is written.
pub(super) struct LineWriter(String);

impl LineWriter {
    pub(super) fn new(word: &str) -> LineWriter {
        LineWriter(word.to_owned())
    }

    /// Adds a pair. The key is a constant of this module.
    pub(super) fn add(mut self, key: &str, value: impl Display) -> LineWriter {
        self.0.extend([" ", key, "=", &escape_value(&value.to_string())]);
        self
    }

    /// Adds a pair if there is a value.
    pub(super) fn add_some(self, key: &str, value: Option<impl Display>) -> LineWriter {
        match value {
            Some(value) => self.add(key, value),
            None => self,
        }
    }

    /// Returns the line with its end.
    pub(super) fn end(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}
