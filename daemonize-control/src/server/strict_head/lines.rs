//! The lines of a head, which have no control character and end with CR LF.

use super::BODY_LIMIT;
use crate::refusal::Refusal;
use axum::http::{Method, StatusCode};

const MALFORMED: Refusal = Refusal::bad("the head is malformed");
const NO_VERSION: Refusal = Refusal::bad("the request line does not end with HTTP/1.1");
const OTHER_VERSION: Refusal = Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 is spoken here");
const NO_PATH: Refusal = Refusal::bad("the target is no path");
const HOSTS: Refusal = Refusal::bad("there is to be one Host");
const TWO_LENGTHS: Refusal = Refusal::bad("there is more than one length");
const NO_LENGTH: Refusal = Refusal::bad("the Content-Length is no number");
const ENCODED: Refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, "a body has a Content-Length and no encoding");
const UPGRADED: Refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, "there is no other protocol here");
const EXPECTING: Refusal = Refusal::new(StatusCode::EXPECTATION_FAILED, "send the body at once");
const LARGE: Refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 64 KiB");

/// Checks a request line: a method, a path and `HTTP/1.1`, with one space between.
pub(super) fn check_request_line(line: &[u8]) -> Result<(), Refusal> {
    let Some(asked) = line.strip_suffix(b" HTTP/1.1") else {
        let last = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        return Err(if last.starts_with(b"HTTP/") && last.len() < line.len() { OTHER_VERSION } else { NO_VERSION });
    };
    let Some(space) = asked.iter().position(|byte| *byte == b' ') else { return Err(MALFORMED) };
    let (method, target) = (&asked[..space], &asked[space + 1..]);
    if Method::from_bytes(method).is_err() {
        return Err(MALFORMED);
    }
    // A whole URI would name a host once more. CONNECT has no path: hyper would make a tunnel of the connection.
    if method == b"CONNECT" || !target.starts_with(b"/") || !is_path_and_query(target) {
        return Err(NO_PATH);
    }
    Ok(())
}

/// Returns `true` if the printable bytes are a path, and a query behind it: hyper accepts the same ones, and drops a fragment.
fn is_path_and_query(target: &[u8]) -> bool {
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    path.iter().all(|byte| !matches!(byte, b' ' | b'#' | b'<' | b'>' | b'`'))
        && query.iter().all(|byte| !matches!(byte, b' ' | b'"' | b'#' | b'<' | b'>'))
}

/// The facts of the headers about the body and the connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    hosts: usize,
    named_hosts: usize,
    lengths: usize,
    /// Value of the last Content-Length; `None` if it is not a number.
    length: Option<u64>,
    is_encoded: bool,
    /// The refusal of a request for something that is not supported.
    unsupported: Option<Refusal>,
}

impl Framing {
    /// Checks a header, and notes what it says.
    pub(super) fn check_header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Err(MALFORMED) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(MALFORMED);
        }
        // Most names are told apart by their length alone.
        let is = |expected: &str| name.eq_ignore_ascii_case(expected.as_bytes());
        match name.len() {
            4 if is("host") => {
                self.hosts += 1;
                self.named_hosts += usize::from(!value.is_empty());
            }
            6 if is("expect") => {
                self.unsupported.get_or_insert(EXPECTING);
            }
            7 if is("upgrade") => self.unsupported = Some(UPGRADED),
            14 if is("content-length") => {
                self.lengths += 1;
                self.length = number(value);
            }
            17 if is("transfer-encoding") => self.is_encoded = true,
            _ => {}
        }
        Ok(())
    }

    /// Returns the size of the body in bytes.
    ///
    /// # Errors
    /// There is not exactly one Host, more than one way to find the end of the body, a body over the limit, or a request for
    /// something that is not supported.
    pub(super) fn body_length(&self) -> Result<usize, Refusal> {
        if (self.hosts, self.named_hosts) != (1, 1) {
            return Err(HOSTS);
        }
        let length = match (self.lengths, self.is_encoded) {
            (0, true) => return Err(ENCODED),
            (0, false) => 0,
            (1, false) => self.length.ok_or(NO_LENGTH)?,
            _ => return Err(TWO_LENGTHS),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= BODY_LIMIT).ok_or(LARGE)?;
        self.unsupported.map_or(Ok(length), Err)
    }
}

/// Returns `true` for a byte that the name of a header may have (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 128_u8 {
            let mark = matches!(
                byte,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
            table[byte as usize] = byte.is_ascii_alphanumeric() || mark;
            byte += 1;
        }
        table
    };
    TOKEN[usize::from(byte)]
}

fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    // `parse` takes a sign as well.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}
