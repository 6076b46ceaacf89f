//! What a head says, once it is known where it ends.

use super::{Asked, BODY_LIMIT, HEADERS_LIMIT};
use crate::refusal::Refusal;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};
use bytes::Bytes;
use std::mem::MaybeUninit;

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

/// Looks at the end of a request line.
pub(super) fn check_version(line: &[u8]) -> Result<(), Refusal> {
    if line.ends_with(b" HTTP/1.1") {
        return Ok(());
    }
    let last = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    Err(if last.starts_with(b"HTTP/") && last.len() < line.len() { OTHER_VERSION } else { NO_VERSION })
}

/// Reads a head, which ends with its empty line and has no byte that may not be there; and how long the body behind it is.
pub(super) fn parse(bytes: &Bytes) -> Result<(Asked, usize), Refusal> {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_LIMIT];
    let mut head = httparse::Request::new(&mut []);
    match head.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        _ => return Err(MALFORMED),
    }
    let (Some(method), Some(path)) = (head.method, head.path) else { return Err(MALFORMED) };
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| MALFORMED)?;
    *request.uri_mut() = target(bytes, path)?;
    *request.version_mut() = Version::HTTP_11;
    let mut told = Told::default();
    *request.headers_mut() = headers(bytes, head.headers, &mut told)?;
    let length = told.judge()?;
    Ok((Asked { request, is_last: told.is_last }, length))
}

/// A path, and nothing that names a host once more.
fn target(head: &Bytes, path: &str) -> Result<Uri, Refusal> {
    if !path.starts_with('/') || path.contains('#') {
        return Err(NO_PATH);
    }
    Uri::from_maybe_shared(head.slice_ref(path.as_bytes())).map_err(|_| NO_PATH)
}

fn headers(head: &Bytes, lines: &[httparse::Header<'_>], told: &mut Told) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| MALFORMED)?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(line.value)).map_err(|_| MALFORMED)?;
        told.hear(&name, &value);
        headers.append(name, value);
    }
    Ok(headers)
}

/// What the headers tell of the request itself.
#[derive(Debug, Default)]
struct Told {
    hosts: usize,
    /// Those that are not empty.
    named_hosts: usize,
    lengths: usize,
    /// The last one; nothing where it is no number.
    length: Option<u64>,
    is_encoded: bool,
    /// Why something that is asked for is not done here.
    refusal: Option<Refusal>,
    is_last: bool,
}

impl Told {
    fn hear(&mut self, name: &HeaderName, value: &HeaderValue) {
        if *name == HOST {
            self.hosts += 1;
            self.named_hosts += usize::from(!value.is_empty());
        } else if *name == CONTENT_LENGTH {
            self.lengths += 1;
            self.length = number(value);
        } else if *name == CONNECTION {
            self.is_last |= says_close(value);
        } else if *name == TRANSFER_ENCODING {
            self.is_encoded = true;
        } else if *name == UPGRADE {
            self.refusal = Some(UPGRADED);
        } else if *name == EXPECT {
            self.refusal.get_or_insert(EXPECTING);
        }
    }

    /// How long the body is: one host, one way to say the length, and one number; and nothing asked that is not done here.
    fn judge(&self) -> Result<usize, Refusal> {
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
        self.refusal.map_or(Ok(length), Err)
    }
}

fn number(value: &HeaderValue) -> Option<u64> {
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok())
}

fn says_close(value: &HeaderValue) -> bool {
    let words = value.to_str().unwrap_or_default();
    words.split(',').any(|word| word.trim().eq_ignore_ascii_case("close"))
}
