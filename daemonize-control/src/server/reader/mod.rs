//! Reads requests strictly: a pure function over bytes, so that it does not matter in which pieces they come.
//!
//! What two parties could read in two ways is refused (RFC 9112, section 11.2): a bare line feed, a folded line, two
//! lengths, an encoding, a target that is no path. Nothing is repaired. After a refusal the rest of the bytes means
//! nothing, and the connection is to be closed.

mod head;

use crate::refusal::Refusal;
use axum::http::{Request, StatusCode};
use bytes::{Bytes, BytesMut};

/// How long a head may be: the request line and all headers, with the empty line.
pub(crate) const HEAD_LIMIT: usize = 8 * 1024;
/// How many headers there may be.
pub(crate) const HEADERS_LIMIT: usize = 64;
/// How long a body may be.
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

/// A request that was read to its end.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What was asked.
    pub(crate) request: Request<Bytes>,
    /// Whether nothing follows it.
    pub(crate) is_last: bool,
}

/// What the bytes so far amount to.
#[derive(Debug)]
pub(crate) enum Progress {
    /// The beginning of a request, or nothing.
    NeedMore,
    /// A whole request.
    Request(Box<Asked>),
    /// No request.
    Refusal(Refusal),
}

/// What of a connection has been read and not been used.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: BytesMut,
    place: Place,
}

/// Where in a request the reader is.
#[derive(Debug)]
enum Place {
    Head(Scan),
    /// Its body is still to come, and so long.
    Body(Box<Asked>, usize),
    /// Behind one that has not been answered.
    Behind,
    Refused(Refusal),
}

impl Default for Place {
    fn default() -> Place {
        Place::Head(Scan::default())
    }
}

impl Reader {
    /// Takes these bytes.
    #[cfg(test)]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Progress {
        self.buffer.extend_from_slice(bytes);
        self.look()
    }

    /// Where bytes that were read are put, before the next [`look`](Reader::look).
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether nothing of the next request is there.
    pub(crate) fn is_between_requests(&self) -> bool {
        self.buffer.is_empty() && matches!(self.place, Place::Head(_))
    }

    /// Says what the bytes so far amount to. A request is said once, a refusal from then on.
    pub(crate) fn look(&mut self) -> Progress {
        if let Place::Head(scan) = &mut self.place {
            match scan.go_on(&self.buffer) {
                Ok(None) => return Progress::NeedMore,
                Ok(Some(length)) => match head::parse(&self.buffer.split_to(length).freeze()) {
                    Ok((asked, length)) => self.place = Place::Body(Box::new(asked), length),
                    Err(refusal) => return self.refuse(refusal),
                },
                Err(refusal) => return self.refuse(refusal),
            }
        }
        match &self.place {
            Place::Body(_, length) if self.buffer.len() >= *length => self.take(),
            Place::Refused(refusal) => Progress::Refusal(*refusal),
            Place::Behind if !self.buffer.is_empty() => self.refuse(PIPELINED),
            _ => Progress::NeedMore,
        }
    }

    /// The request was answered: what comes now may be the next.
    pub(crate) fn answered(&mut self) {
        if matches!(self.place, Place::Behind) && self.buffer.is_empty() {
            self.place = Place::default();
        }
    }

    fn take(&mut self) -> Progress {
        match std::mem::replace(&mut self.place, Place::Behind) {
            Place::Body(mut asked, length) => {
                if length > 0 {
                    *asked.request.body_mut() = self.buffer.split_to(length).freeze();
                }
                Progress::Request(asked)
            }
            place => {
                self.place = place;
                Progress::NeedMore
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Progress {
        self.buffer.clear();
        self.place = Place::Refused(refusal);
        Progress::Refusal(refusal)
    }
}

/// Goes through the bytes of a head, each once, up to the first that is wrong or the last of all.
#[derive(Debug, Default)]
struct Scan {
    /// How many bytes are known to be right.
    at: usize,
    /// Where the line begins that is not complete yet.
    line: usize,
    /// How many lines are complete.
    lines: usize,
}

impl Scan {
    /// How long the head is, once it is complete.
    fn go_on(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let end = bytes.len().min(HEAD_LIMIT);
        let bytes = &bytes[..end];
        while self.at < end {
            if self.next(bytes, bytes[self.at])? {
                return Ok(Some(self.at));
            }
        }
        match self.at {
            HEAD_LIMIT if self.lines == 0 => Err(TOO_LONG),
            HEAD_LIMIT => Err(TOO_LARGE),
            _ => Ok(None),
        }
    }

    /// Goes over one byte, and what is plain behind it; whether it was the last.
    fn next(&mut self, bytes: &[u8], byte: u8) -> Result<bool, Refusal> {
        let after_return = self.at > self.line && bytes[self.at - 1] == b'\r';
        match byte {
            b'\n' if !after_return => return Err(BARE),
            b'\n' => return self.end_line(bytes),
            _ if after_return => return Err(BARE),
            b' ' | b'\t' if self.at == self.line => return Err(FOLDED),
            0x80.. if self.lines == 0 => return Err(NOT_ASCII),
            b' '..=b'~' => self.at += plain(&bytes[self.at + 1..]),
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
            // At once: who speaks another protocol waits for an answer to its first line.
            (1, false) => head::check_version(line).map(|()| false),
            (_, true) => Ok(true),
            (lines, false) if lines > HEADERS_LIMIT + 1 => Err(TOO_LARGE),
            (_, false) => Ok(false),
        }
    }
}

/// How many bytes at the beginning may be anywhere in a line; many at once, as far as they go.
fn plain(bytes: &[u8]) -> usize {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    let are_plain = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_plain(byte));
    let many = bytes.chunks_exact(16).take_while(|bytes| are_plain(bytes)).count() * 16;
    many + bytes[many..].iter().take_while(|byte| is_plain(byte)).count()
}

/// What a stream of bytes amounts to, as long as nothing is answered.
#[cfg(any(test, fuzzing))]
pub(crate) fn outcomes(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = Reader::default();
    let mut outcomes = Vec::new();
    for piece in pieces {
        reader.buffer().extend_from_slice(piece);
        loop {
            match reader.look() {
                Progress::NeedMore => break,
                Progress::Request(asked) => outcomes.push(format!("{asked:?}")),
                Progress::Refusal(refusal) => {
                    outcomes.push(format!("{refusal:?}"));
                    return outcomes;
                }
            }
        }
    }
    outcomes
}

#[cfg(test)]
mod tests;
