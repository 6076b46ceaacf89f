//! Checks the bytes of a connection before hyper reads them: pure functions, so that packet boundaries cannot matter.
//!
//! hyper accepts more than one reading of a request (RFC 9112, section 11.2): bare line feeds, a Content-Length beside a
//! Transfer-Encoding, several equal lengths, HTTP/1.0. `StrictHead` refuses these, and everything over a limit, repairs
//! nothing, and hands on whole heads only. After a refusal the rest of the bytes has no meaning.

mod lines;

use crate::refusal::Refusal;
use axum::http::StatusCode;
use lines::Framing;

/// Maximum size of a head in bytes: the request line and all headers, with the empty line.
pub(crate) const HEAD_LIMIT: usize = 8 * 1024;
/// Maximum number of headers.
pub(crate) const HEADERS_LIMIT: usize = 64;
/// Maximum size of a body in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

const BARE: Refusal = Refusal::bad("a line ends with CR LF");
const CONTROL: Refusal = Refusal::bad("a control character in the head");
const FOLDED: Refusal = Refusal::bad("a line begins with white space");
const EMPTY: Refusal = Refusal::bad("an empty line before the request");
const NOT_ASCII: Refusal = Refusal::bad("the request line is not ASCII");
const TOO_LONG: Refusal = Refusal::new(StatusCode::URI_TOO_LONG, "the request line is longer than 8 KiB");
const TOO_LARGE: Refusal =
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is longer than 8 KiB or has over 64 headers");
const PIPELINED: Refusal = Refusal::bad("the next request came before the answer to this one");

/// The verdict on the bytes received so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress {
    /// Nothing yet: more bytes are needed.
    NeedMore,
    /// So many bytes may be passed on.
    Pass(usize),
    /// The connection ends with this refusal.
    Refused(Refusal),
}

/// The received bytes of a connection that were not passed on yet.
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
    /// Within a checked request, of which so many bytes were not passed on yet.
    Request(usize),
    /// Behind a request that was not answered yet.
    Unanswered,
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

    /// Returns what the bytes received so far allow. A refusal is final.
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

    /// Hands the first `count` bytes to `pass`, and drops them. [`progress`](StrictHead::progress) has allowed as many.
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

    /// Notes that the last request was answered: bytes received from now on are the next request. Returns `true` if there was
    /// such a request.
    pub(crate) fn answered(&mut self) -> bool {
        let was_answered = matches!(self.position, Position::Unanswered) && self.received.is_empty();
        if was_answered {
            self.position = Position::default();
        }
        was_answered
    }

    /// Refuses whatever is or was received.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.received.clear();
        self.position = Position::Refused(refusal);
    }
}

/// Looks once at each byte of a head, up to the first that is wrong or the last.
#[derive(Debug, Default)]
struct Scan {
    /// Number of bytes that were found right.
    at: usize,
    /// Position of the first line that is not complete.
    line: usize,
    /// Number of complete lines.
    lines: usize,
    framing: Framing,
}

impl Scan {
    /// Continues with the bytes that were appended. Returns the length of the request once its head is complete.
    fn resume(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let end = bytes.len().min(HEAD_LIMIT);
        let bytes = &bytes[..end];
        while self.at < end {
            if self.check_next(bytes, bytes[self.at])? {
                return Ok(Some(self.at + self.framing.body_length()?));
            }
        }
        match self.at {
            HEAD_LIMIT if self.lines == 0 => Err(TOO_LONG),
            HEAD_LIMIT => Err(TOO_LARGE),
            _ => Ok(None),
        }
    }

    /// Checks one byte, and the printable ones behind it. Returns `true` after the last byte of the head.
    fn check_next(&mut self, bytes: &[u8], byte: u8) -> Result<bool, Refusal> {
        let after_return = self.at > self.line && bytes[self.at - 1] == b'\r';
        match byte {
            b'\n' if !after_return => return Err(BARE),
            b'\n' => return self.end_line(bytes),
            _ if after_return => return Err(BARE),
            b' ' | b'\t' if self.at == self.line => return Err(FOLDED),
            0x80.. if self.lines == 0 => return Err(NOT_ASCII),
            b' '..=b'~' => self.at += printable(&bytes[self.at + 1..]),
            b'\r' | b'\t' | 0x80.. => {}
            _ => return Err(CONTROL),
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
            (1, true) => Err(EMPTY),
            // At once: a client of another protocol waits for an answer to its first line.
            (1, false) => lines::check_request_line(line).map(|()| false),
            (_, true) => Ok(true),
            (lines, false) if lines > HEADERS_LIMIT + 1 => Err(TOO_LARGE),
            (_, false) => self.framing.check_header(line).map(|()| false),
        }
    }
}

/// Returns the number of printable bytes at the beginning; up to sixteen are checked at once.
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

/// Returns `true` if the first `N` bytes are printable. Of a known number the compiler makes a few instructions.
fn begins_printable<const N: usize>(bytes: &[u8]) -> bool {
    bytes.first_chunk::<N>().is_some_and(|bytes| bytes.iter().fold(true, |all, byte| all & is_printable(*byte)))
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Returns what becomes of a stream of bytes as long as nothing is answered: the bytes passed on, and the refusal.
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
