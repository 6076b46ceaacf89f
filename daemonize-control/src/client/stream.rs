//! What the daemon publishes, as it comes: server-sent events.

use super::blocking::{Connection, timed_out};
use super::error::{Error, ErrorKind, Result};
use super::json;
use super::reply::{MAX_REFUSAL, check_status, cut_off, not_http};
use super::target::{Target, after};
use super::wire::{Malformed, Reader, Request};
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

/// The most bytes that one event may have, with its name and all its lines.
const MAX_EVENT: usize = 1 << 20;

/// Takes a stream of server-sent events apart, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// A line that has not ended yet.
    line: Vec<u8>,
    name: String,
    /// The lines of data, each with its end.
    data: String,
    complete: VecDeque<Published>,
}

impl Parser {
    /// Takes more bytes.
    ///
    /// # Errors
    /// An event is too large. What was complete before is kept.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                self.take_line(line.strip_suffix('\r').unwrap_or(&line))?;
            } else if self.line.len() + self.name.len() + self.data.len() < MAX_EVENT {
                self.line.push(byte);
            } else {
                return Err(Malformed("an event is larger than 1 MiB, the limit of an event"));
            }
        }
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Option<Published> {
        self.complete.pop_front()
    }

    fn take_line(&mut self, line: &str) -> Result<(), Malformed> {
        if line.is_empty() {
            return self.complete_one();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.extend([value, "\n"]),
            // Comments keep the connection alive; nothing here needs an id or another pace.
            _ => {}
        }
        Ok(())
    }

    fn complete_one(&mut self) -> Result<(), Malformed> {
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        if data.pop().is_none() {
            return Ok(());
        }
        let data = json::of_event(data).map_err(Malformed)?;
        let name = if name.is_empty() { "message".to_owned() } else { name };
        self.complete.push_back(Published { name, data });
        Ok(())
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
    /// Why the stream cannot be read on, once it has begun.
    failure: Option<Error>,
}

impl Incoming {
    pub(crate) fn new(request: Request) -> Incoming {
        let (reader, body, parser) = (Reader::default(), Vec::new(), Parser::default());
        Incoming { request, reader, body, parser, accepted: false, failure: None }
    }

    /// Takes more bytes, none at the end of the connection. What is wrong once the stream has begun is told by
    /// [`next`](Incoming::next), after all that came before.
    ///
    /// # Errors
    /// The endpoint does not answer with a stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match self.take(bytes) {
            Err(error) if self.accepted => {
                self.failure = Some(error);
                Ok(())
            }
            taken => taken,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let read = self.reader.push(bytes, &mut self.body);
        if bytes.is_empty() && !self.accepted {
            self.reader.close();
        }
        let Some(head) = self.reader.head() else { return read.map_err(|why| not_http(&self.request, why)) };
        if (200..300).contains(&head.status) {
            self.accepted = true;
            let parsed = self.parser.push(&std::mem::take(&mut self.body));
            return parsed.and(read).map_err(|why| not_http(&self.request, why));
        }
        if bytes.is_empty() || self.reader.is_whole() || read.is_err() || self.body.len() > MAX_REFUSAL {
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
        self.reader.is_whole() || self.failure.is_some()
    }

    pub(crate) fn next(&mut self) -> Option<Result<Published>> {
        self.parser.next().map(Ok).or_else(|| self.failure.take().map(Err))
    }

    pub(crate) fn cut_off(&self, unread: bool) -> Error {
        cut_off(&self.request, self.reader.is_untouched(), unread)
    }
}

/// What the daemon publishes from now on, one after another; ends when the daemon does.
///
/// `next` waits for as long as nothing is published; [`next_within`](Events::next_within) does not. At most 8 KiB
/// are read ahead of an event: one that is larger than 1 MiB, or has more than 1048576 JSON values, is an error (`Reply`) that ends the stream.
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
    /// The stream is not HTTP, or an event is larger than 1 MiB (`Reply`).
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
                return published.map(Some);
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
            parser.push(piece).unwrap();
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

    /// Promise 5.19.
    #[test]
    fn stream_with_an_event_too_large_ends_with_an_error_after_what_came_before() {
        let line = "x".repeat(1000);
        let endless: [String; 5] = [
            line.clone(),
            format!("data: {line}\n"),
            "data:\n".into(),
            format!("event: {line}\ndata: {line}\n"),
            format!("data: [{}0]\n\n", "[0],".repeat(MAX_EVENT / 6)),
        ];
        for piece in endless {
            let mut incoming = Incoming::new(Request::stream("/events").unwrap());
            incoming.push(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n").unwrap();
            let mut pushed = 0;
            while !incoming.is_whole() {
                incoming.push(piece.as_bytes()).unwrap();
                pushed += piece.len();
                assert!(pushed < 8 * MAX_EVENT, "{}", &piece[..10]);
            }
            assert_eq!(incoming.next().unwrap().unwrap().data, json!(1));
            let error = incoming.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Reply);
            let text = error.to_string();
            assert!(
                text.starts_with("failed to understand the answer of `/events`: an event ") && text.contains("limit"),
                "{text}"
            );
            assert!(incoming.next().is_none());
        }
    }

    /// Promise 5.19.
    #[test]
    fn stream_with_comments_for_ever_stays_small() {
        let mut incoming = Incoming::new(Request::stream("/events").unwrap());
        incoming.push(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        for _ in 0..4000 {
            incoming.push(format!(":{}\nid: 1\n", "x".repeat(1000)).as_bytes()).unwrap();
        }
        assert!(incoming.next().is_none() && !incoming.is_whole() && incoming.parser.line.capacity() < 4096);
    }

    /// Promise 5.19.
    #[test]
    fn refusal_without_end_is_a_refusal() {
        for head in
            ["HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"]
        {
            let mut incoming = Incoming::new(Request::stream("/events").unwrap());
            incoming.push(head.as_bytes()).unwrap();
            let error = (0..100).find_map(|_| incoming.push(&[b'x'; 1000]).err()).expect("it is read for ever");
            assert_eq!(error.kind(), ErrorKind::Refused(404));
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
