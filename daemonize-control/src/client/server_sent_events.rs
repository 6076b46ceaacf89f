//! A parser of server-sent events.
//!
//! The crates for that buffer an event of any size; this parser bounds it.

use super::json_limits;
use serde_json::Value;
use std::collections::VecDeque;

/// An event that the daemon has published.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Published {
    /// The name it was published under; `message` if it has none.
    pub name: String,
    /// The data that was published with it; text that is not JSON is a string.
    pub data: Value,
}

/// Maximum size of one event in bytes, with its name and all its lines.
pub(super) const MAX_EVENT: usize = 1 << 20;

/// Parses a stream of server-sent events that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// A line that has not ended yet.
    line: Vec<u8>,
    name: String,
    /// The lines of data, each with its newline.
    data: String,
    complete: VecDeque<Published>,
}

impl Parser {
    /// Parses more bytes.
    ///
    /// # Errors
    /// An event is too large. Those that were complete before are kept.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                self.take_line(line.strip_suffix('\r').unwrap_or(&line))?;
            } else if self.line.len() + self.name.len() + self.data.len() < MAX_EVENT {
                self.line.push(byte);
            } else {
                return Err("an event is larger than 1 MiB, the limit of an event");
            }
        }
        Ok(())
    }

    /// Returns the next complete event.
    pub(super) fn next(&mut self) -> Option<Published> {
        self.complete.pop_front()
    }

    fn take_line(&mut self, line: &str) -> Result<(), &'static str> {
        if line.is_empty() {
            return self.complete_one();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.extend([value, "\n"]),
            // Comments keep the connection alive. `id` and `retry` are for clients that reconnect by themselves.
            _ => {}
        }
        Ok(())
    }

    fn complete_one(&mut self) -> Result<(), &'static str> {
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        if data.pop().is_none() {
            return Ok(());
        }
        let data = json_limits::of_event(data)?;
        let name = if name.is_empty() { "message".to_owned() } else { name };
        self.complete.push_back(Published { name, data });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STREAM: &str =
        ": welcome\r\n\r\nevent: tick\ndata: {\"n\":1}\nid: 7\n\ndata: two\ndata: lines\n\nevent: none\n\n";

    fn parsed(pieces: &[&[u8]]) -> Vec<Published> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.push(piece).unwrap();
        }
        std::iter::from_fn(|| parser.next()).collect()
    }

    #[test]
    fn events_in_any_pieces_are_the_same() {
        let expected = [
            Published { name: "tick".into(), data: json!({"n": 1}) },
            Published { name: "message".into(), data: json!("two\nlines") },
        ];
        let bytes = STREAM.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(parsed(&[&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
        }
    }

    /// Promise 5.19.
    #[test]
    fn comments_without_end_take_no_memory() {
        let mut parser = Parser::default();
        for _ in 0..4000 {
            parser.push(format!(":{}\nid: 1\n", "x".repeat(1000)).as_bytes()).unwrap();
        }
        assert!(parser.next().is_none() && parser.line.capacity() < 4096);
    }
}
