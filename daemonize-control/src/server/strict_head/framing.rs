//! Finds the end of a request's body from its header lines (RFC 9112, section 6).

use super::limits::BODY_LIMIT;
use crate::refusal::Refusal;
use axum::http::StatusCode;

const MALFORMED: Refusal = Refusal::bad_request("a header line is malformed");
const NOT_ONE_HOST: Refusal = Refusal::bad_request("exactly one Host header with a value is required");
const SEVERAL_LENGTHS: Refusal = Refusal::bad_request("more than one header states the length of the body");
const NOT_A_LENGTH: Refusal = Refusal::bad_request("the Content-Length is not a number");
const ENCODED: Refusal =
    Refusal::new(StatusCode::NOT_IMPLEMENTED, "Transfer-Encoding is not supported: send a Content-Length");
const UPGRADE: Refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, "protocol upgrades are not supported");
const EXPECT: Refusal =
    Refusal::new(StatusCode::EXPECTATION_FAILED, "Expect is not supported: send the body without waiting");
const BODY_TOO_LARGE: Refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 KiB");

/// The header lines that decide about the body and the connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    hosts: usize,
    hosts_with_value: usize,
    lengths: usize,
    /// The value of the last Content-Length; `None` if it is not a number.
    length: Option<u64>,
    is_encoded: bool,
    /// Why the request is refused because of a feature that is not supported.
    unsupported: Option<Refusal>,
}

impl Framing {
    /// Checks a header line, and records it if it concerns the body or the connection.
    pub(super) fn check_header(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Err(MALFORMED) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(MALFORMED);
        }
        // The length alone rules out most names, without a comparison.
        let is = |expected: &str| name.eq_ignore_ascii_case(expected.as_bytes());
        match name.len() {
            4 if is("host") => {
                self.hosts += 1;
                self.hosts_with_value += usize::from(!value.is_empty());
            }
            6 if is("expect") => {
                self.unsupported.get_or_insert(EXPECT);
            }
            7 if is("upgrade") => self.unsupported = Some(UPGRADE),
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
    /// There is not exactly one Host, the length of the body is ambiguous or over the limit, or the request needs a feature
    /// that is not supported.
    pub(super) fn body_length(&self) -> Result<usize, Refusal> {
        if (self.hosts, self.hosts_with_value) != (1, 1) {
            return Err(NOT_ONE_HOST);
        }
        let length = match (self.lengths, self.is_encoded) {
            (0, true) => return Err(ENCODED),
            (0, false) => 0,
            (1, false) => self.length.ok_or(NOT_A_LENGTH)?,
            _ => return Err(SEVERAL_LENGTHS),
        };
        let length = usize::try_from(length).ok().filter(|length| *length <= BODY_LIMIT).ok_or(BODY_TOO_LARGE)?;
        match self.unsupported {
            Some(refusal) => Err(refusal),
            None => Ok(length),
        }
    }
}

/// Returns `true` for a byte that is allowed in a header name (RFC 9110, section 5.6.2).
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
    // `parse` alone would accept a sign.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}
