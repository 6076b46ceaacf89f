//! Checks the bytes of a connection before hyper reads them. The checks do no input or output, so packet boundaries cannot
//! change their result.
//!
//! hyper accepts requests that two programs could read differently (RFC 9112, section 11.2, request smuggling): bare line
//! feeds, a Content-Length beside a Transfer-Encoding, several equal lengths, HTTP/1.0. [`StrictHead`] refuses these requests
//! and everything over a limit. It repairs nothing, and passes on complete heads only. After a refusal, all further bytes are
//! ignored.

mod framing;
mod limits;
mod request_line;

use crate::refusal::Refusal;
use axum::http::StatusCode;
use framing::Framing;
use limits::{HEAD_LIMIT, HEADERS_LIMIT};

const BARE_LINE_FEED: Refusal = Refusal::bad_request("a line does not end with CR LF");
const CONTROL_CHARACTER: Refusal = Refusal::bad_request("the head contains a control character");
const FOLDED_LINE: Refusal = Refusal::bad_request("a header line begins with whitespace");
const EMPTY_LINE: Refusal = Refusal::bad_request("the request begins with an empty line");
const NOT_ASCII: Refusal = Refusal::bad_request("the request line is not ASCII");
const REQUEST_LINE_TOO_LONG: Refusal = Refusal::new(StatusCode::URI_TOO_LONG, "the request line is longer than 8 KiB");
const HEAD_TOO_LARGE: Refusal = Refusal::new(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "the head is larger than 8 KiB or has more than 64 header lines",
);
const PIPELINED: Refusal = Refusal::bad_request("the next request arrived before the response to this one");

/// The verdict on the bytes received so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress {
    /// Nothing yet: more bytes are needed.
    NeedMore,
    /// This many bytes may be passed on.
    Pass(usize),
    /// The connection ends with this refusal.
    Refused(Refusal),
}

/// The received bytes of a connection that have not been passed on yet.
#[derive(Debug, Default)]
pub(crate) struct StrictHead {
    received: Vec<u8>,
    position: Position,
}

/// Position within the requests of a connection.
#[derive(Debug)]
enum Position {
    /// Within a head.
    Head(Scan),
    /// Within a checked request, with the number of its bytes that have not been passed on yet.
    Request(usize),
    /// After a request that has not been answered yet.
    Unanswered,
    /// After bytes that were refused.
    Refused(Refusal),
}

impl Default for Position {
    fn default() -> Position {
        Position::Head(Scan::default())
    }
}

impl StrictHead {
    /// Returns the buffer to which received bytes are appended, before the next call of [`progress`](StrictHead::progress).
    pub(crate) fn input(&mut self) -> &mut Vec<u8> {
        &mut self.received
    }

    /// Returns `true` if no byte of the next request has been received.
    pub(crate) fn is_between_requests(&self) -> bool {
        self.received.is_empty() && matches!(self.position, Position::Head(_))
    }

    /// Returns `true` if the head of a request is not complete.
    pub(crate) fn is_within_head(&self) -> bool {
        matches!(self.position, Position::Head(_))
    }

    /// Returns the next step for the bytes received so far. A refusal is final.
    pub(crate) fn progress(&mut self) -> Progress {
        if let Position::Head(scan) = &mut self.position {
            match scan.resume(&self.received) {
                Ok(None) => return Progress::NeedMore,
                Ok(Some(length)) => self.position = Position::Request(length),
                Err(refusal) => self.refuse(refusal),
            }
        }
        match self.position {
            Position::Request(left) if !self.received.is_empty() => Progress::Pass(left.min(self.received.len())),
            Position::Unanswered if !self.received.is_empty() => {
                self.refuse(PIPELINED);
                Progress::Refused(PIPELINED)
            }
            Position::Refused(refusal) => Progress::Refused(refusal),
            _ => Progress::NeedMore,
        }
    }

    /// Passes the first `count` bytes to `pass`, and drops them. `count` is at most the number in [`Progress::Pass`].
    pub(crate) fn pass_on(&mut self, count: usize, pass: impl FnOnce(&[u8])) {
        pass(&self.received[..count]);
        if count == self.received.len() {
            self.received.clear();
        } else {
            self.received.drain(..count);
        }
        if let Position::Request(left) = self.position {
            self.position = if left > count { Position::Request(left - count) } else { Position::Unanswered };
        }
    }

    /// Records that the last request was answered: bytes received from now on belong to the next request. Returns `true` if
    /// there was such a request.
    pub(crate) fn answered(&mut self) -> bool {
        let was_answered = matches!(self.position, Position::Unanswered) && self.received.is_empty();
        if was_answered {
            self.position = Position::default();
        }
        was_answered
    }

    /// Refuses the bytes received so far and all later ones.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.received.clear();
        self.position = Position::Refused(refusal);
    }
}

/// Reads each byte of a head once, up to the first invalid byte or the end of the head.
#[derive(Debug, Default)]
struct Scan {
    /// Number of bytes that have been checked.
    at: usize,
    /// Position at which the current line begins.
    line: usize,
    /// Number of complete lines.
    lines: usize,
    framing: Framing,
}

impl Scan {
    /// Checks the bytes that have been appended. Returns the length of the request once its head is complete.
    fn resume(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let end = bytes.len().min(HEAD_LIMIT);
        let bytes = &bytes[..end];
        while self.at < end {
            if self.check_next(bytes, bytes[self.at])? {
                return Ok(Some(self.at + self.framing.body_length()?));
            }
        }
        match self.at {
            HEAD_LIMIT if self.lines == 0 => Err(REQUEST_LINE_TOO_LONG),
            HEAD_LIMIT => Err(HEAD_TOO_LARGE),
            _ => Ok(None),
        }
    }

    /// Checks one byte and the printable bytes after it. Returns `true` after the last byte of the head.
    fn check_next(&mut self, bytes: &[u8], byte: u8) -> Result<bool, Refusal> {
        let after_return = self.at > self.line && bytes[self.at - 1] == b'\r';
        match byte {
            b'\n' if !after_return => return Err(BARE_LINE_FEED),
            b'\n' => return self.end_line(bytes),
            _ if after_return => return Err(BARE_LINE_FEED),
            b' ' | b'\t' if self.at == self.line => return Err(FOLDED_LINE),
            0x80.. if self.lines == 0 => return Err(NOT_ASCII),
            b' '..=b'~' => self.at += printable(&bytes[self.at + 1..]),
            b'\r' | b'\t' | 0x80.. => {}
            _ => return Err(CONTROL_CHARACTER),
        }
        self.at += 1;
        Ok(false)
    }

    fn end_line(&mut self, bytes: &[u8]) -> Result<bool, Refusal> {
        let line = &bytes[self.line..self.at - 1];
        self.at += 1;
        self.line = self.at;
        self.lines += 1;
        match (self.lines, line.is_empty()) {
            (1, true) => Err(EMPTY_LINE),
            // Before the head is complete: a client of another protocol waits for a response to its first line.
            (1, false) => request_line::check(line).map(|()| false),
            (_, true) => Ok(true),
            (lines, false) if lines > HEADERS_LIMIT + 1 => Err(HEAD_TOO_LARGE),
            (_, false) => self.framing.check_header(line).map(|()| false),
        }
    }
}

/// Returns the number of printable bytes at the beginning. Up to 16 are checked at once.
fn printable(bytes: &[u8]) -> usize {
    let mut count = 0;
    while begins_printable::<16>(&bytes[count..]) {
        count += 16;
    }
    if begins_printable::<8>(&bytes[count..]) {
        count += 8;
    }
    if begins_printable::<4>(&bytes[count..]) {
        count += 4;
    }
    count + bytes[count..].iter().take_while(|byte| is_printable(**byte)).count()
}

/// Returns `true` if the first `N` bytes are printable. For a constant `N` the compiler emits a few instructions without a loop.
fn begins_printable<const N: usize>(bytes: &[u8]) -> bool {
    bytes.first_chunk::<N>().is_some_and(|bytes| bytes.iter().fold(true, |all, byte| all & is_printable(*byte)))
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Returns the bytes passed on and the refusal, if any, for a stream of bytes to which no response is sent.
#[cfg(any(test, fuzzing))]
pub(crate) fn outcome(pieces: &[&[u8]]) -> (Vec<u8>, Option<Refusal>) {
    let mut checked = StrictHead::default();
    let mut passed = Vec::new();
    for piece in pieces {
        checked.input().extend_from_slice(piece);
        loop {
            match checked.progress() {
                Progress::NeedMore => break,
                Progress::Pass(count) => checked.pass_on(count, |bytes| passed.extend_from_slice(bytes)),
                Progress::Refused(refusal) => return (passed, Some(refusal)),
            }
        }
    }
    (passed, None)
}

#[cfg(test)]
mod tests;
