//! Raw HTTP: the test controls each byte on the wire.

use std::io::{ErrorKind, Read, Write};

use daemon::control::serde_json::{Value, from_str};

/// A connection of a test.
pub(crate) struct Http<S> {
    pub(crate) stream: S,
    /// Bytes that have been read and belong to the next response.
    rest: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Parses the body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Returns the status. Asserts that no CORS header allows requests of other sites.
    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        assert!(!self.head.contains("access-control"), "{self:?}");
        self.status
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl<S: Read + Write> Http<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, rest: Vec::new() }
    }

    /// Sends a request, and reads its response.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer()
    }

    /// Sends bytes. The peer may have closed the connection: errors are ignored.
    pub(crate) fn send(&mut self, request: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(request.as_ref());
    }

    /// Reads one response.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer before the end")
    }

    /// Reads one response; `None` at the end of the connection.
    #[track_caller]
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).expect("a head").to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").map(|length| length.parse().expect("a length"));
        let body = match length {
            Some(length) => self.exactly(length),
            None if answer.header("transfer-encoding").is_some() => self.chunks(),
            None => Vec::new(),
        };
        answer.body = String::from_utf8(body).expect("text");
        Some(answer)
    }

    /// Reads up to `end`, inclusive; `None` at the end of the connection.
    #[track_caller]
    pub(crate) fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.rest.windows(end.len()).position(|window| window == end) {
                return Some(self.rest.drain(..at + end.len()).collect());
            }
            if !self.more() {
                assert!(self.rest.is_empty(), "half an answer: {:?}", String::from_utf8_lossy(&self.rest));
                return None;
            }
        }
    }

    /// Asserts that the peer closes the connection without sending more.
    #[track_caller]
    pub(crate) fn ended(&mut self) {
        while self.more() {}
        assert!(self.rest.is_empty(), "more than expected: {:?}", String::from_utf8_lossy(&self.rest));
    }

    #[track_caller]
    fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.rest.len() < length {
            assert!(self.more(), "a body of {} bytes instead of {length}", self.rest.len());
        }
        self.rest.drain(..length).collect()
    }

    #[track_caller]
    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n").expect("a chunk");
            let line = std::str::from_utf8(&line).expect("a number").trim().to_owned();
            let length = usize::from_str_radix(&line, 16).expect("a number");
            let chunk = self.exactly(length + 2);
            body.extend_from_slice(&chunk[..length]);
            if length == 0 {
                return body;
            }
        }
    }

    /// Reads some bytes; returns `false` at the end of the connection.
    #[track_caller]
    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(count) => {
                    self.rest.extend_from_slice(&bytes[..count]);
                    return count > 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }
}
