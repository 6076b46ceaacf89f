//! What the daemon publishes, as it comes: server-sent events.

use super::blocking::{Connection, timed_out};
use super::error::{ErrorKind, Result};
use super::reply::{check_status, cut_off, not_http};
use super::target::{Target, after};
use super::wire::{Reader, Request};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Something that the daemon has published.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Published {
    /// The name it was published under; `message` if it has none.
    pub name: String,
    /// What belongs to it; text that is no JSON is a string.
    pub data: Value,
}

/// Takes a stream of server-sent events apart, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// A line that has not ended yet.
    line: Vec<u8>,
    name: String,
    data: Vec<String>,
    complete: VecDeque<Published>,
}

impl Parser {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    let line = String::from_utf8_lossy(&line);
                    self.take_line(line.strip_suffix('\r').unwrap_or(&line));
                }
                other => self.line.push(other),
            }
        }
    }

    pub(crate) fn next(&mut self) -> Option<Published> {
        self.complete.pop_front()
    }

    fn take_line(&mut self, line: &str) {
        if line.is_empty() {
            return self.complete_one();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            // Comments keep the connection alive; nothing here needs an id or another pace.
            _ => {}
        }
    }

    fn complete_one(&mut self) {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return;
        }
        let text = data.join("\n");
        let data = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let name = if name.is_empty() { "message".to_owned() } else { name };
        self.complete.push_back(Published { name, data });
    }
}

/// A stream's reply and what is in it, fed by whoever reads the connection.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) request: Request,
    reader: Reader,
    body: Vec<u8>,
    parser: Parser,
    accepted: bool,
}

impl Incoming {
    pub(crate) fn new(request: Request) -> Incoming {
        let (reader, body, parser, accepted) = (Reader::default(), Vec::new(), Parser::default(), false);
        Incoming { request, reader, body, parser, accepted }
    }

    /// Takes more bytes, none at the end of the connection.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.reader.push(bytes, &mut self.body).map_err(|why| not_http(&self.request, why))?;
        if bytes.is_empty() && !self.accepted {
            self.reader.close();
        }
        let Some(head) = self.reader.head() else { return Ok(()) };
        if (200..300).contains(&head.status) {
            self.accepted = true;
            self.parser.push(&std::mem::take(&mut self.body));
        } else if bytes.is_empty() || self.reader.is_whole() {
            check_status(&self.request, head, &self.body)?;
        }
        Ok(())
    }

    /// Whether the endpoint has begun to answer with a stream.
    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted
    }

    /// Whether nothing more will come.
    pub(crate) fn is_whole(&self) -> bool {
        self.reader.is_whole()
    }

    pub(crate) fn next(&mut self) -> Option<Published> {
        self.parser.next()
    }

    pub(crate) fn cut_off(&self, unread: bool) -> super::error::Error {
        cut_off(&self.request, self.reader.is_untouched(), unread)
    }
}

/// What the daemon publishes from now on, one after another; ends when the daemon does.
///
/// `next` waits for as long as nothing is published; [`next_within`](Events::next_within) does not.
#[derive(Debug)]
pub struct Events {
    target: Target,
    connection: Connection,
    incoming: Incoming,
    ended: bool,
}

impl Events {
    /// Connects, and returns when the endpoint has begun to answer: what is published after that is in the stream.
    pub(crate) fn open(target: &Target, route: &str) -> Result<Events> {
        let deadline = target.deadline();
        let incoming = Incoming::new(Request::stream(route)?);
        let connection = Connection::open(target, &incoming.request, deadline)?;
        let mut events = Events { target: target.clone(), connection, incoming, ended: false };
        while !events.incoming.is_accepted() {
            if !events.read(Some(deadline))? {
                return Err(events.incoming.cut_off(events.connection.unread));
            }
        }
        Ok(events)
    }

    /// The next one, if it comes within `time`; `Ok(None)` if none does, or when the stream has ended.
    ///
    /// # Errors
    /// The stream is no HTTP.
    pub fn next_within(&mut self, time: Duration) -> Result<Option<Published>> {
        let deadline = after(time);
        match self.advance(Some(deadline)) {
            Err(error) if error.kind() == ErrorKind::Timeout => Ok(None),
            other => other,
        }
    }

    /// Whether the stream has ended: the daemon has stopped.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn advance(&mut self, deadline: Option<Instant>) -> Result<Option<Published>> {
        loop {
            if let Some(published) = self.incoming.next() {
                return Ok(Some(published));
            }
            if self.ended || !self.read(deadline)? {
                return Ok(None);
            }
        }
    }

    /// Waits for more; whether there was more.
    fn read(&mut self, deadline: Option<Instant>) -> Result<bool> {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(timed_out(&self.target, &self.incoming.request));
        }
        let mut piece = [0; 8192];
        let length = self.connection.read(&mut piece, deadline, &self.target, &self.incoming.request)?;
        self.incoming.push(&piece[..length]).inspect_err(|_| self.ended = true)?;
        self.ended = length == 0 || self.incoming.is_whole();
        Ok(length > 0)
    }
}

impl Iterator for Events {
    type Item = Result<Published>;

    fn next(&mut self) -> Option<Result<Published>> {
        self.advance(None).transpose()
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
            parser.push(piece);
        }
        std::iter::from_fn(|| parser.next()).collect()
    }

    #[test]
    fn a_stream_is_the_same_however_it_is_cut() {
        let expected = [
            Published { name: "tick".into(), data: json!({"n": 1}) },
            Published { name: "message".into(), data: json!("two\nlines") },
        ];
        let bytes = STREAM.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(parsed(&[&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_refused_stream_says_why() {
        let mut incoming = Incoming::new(Request::stream("/events").unwrap());
        let text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 19\r\n\r\n{\"message\":\"not you\"}";
        let text = text.replace("19", "21");
        assert!(incoming.push(&text.as_bytes()[..60]).is_ok() && !incoming.is_accepted());
        let error = incoming.push(&text.as_bytes()[60..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused(403));
        assert!(error.to_string().ends_with("403: not you"), "{error}");
    }
}
