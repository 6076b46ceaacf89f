//! What a head says, once it is known where it ends.

use super::{BODY_LIMIT, HEADERS_LIMIT};
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

/// A head, and how long the body behind it is.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request<()>,
    pub(super) length: usize,
    pub(super) is_last: bool,
}

/// Looks at the end of a request line.
pub(super) fn check_version(line: &[u8]) -> Result<(), Refusal> {
    if line.ends_with(b" HTTP/1.1") {
        return Ok(());
    }
    let last = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    Err(if last.starts_with(b"HTTP/") && last.len() < line.len() { OTHER_VERSION } else { NO_VERSION })
}

/// Reads a head, which ends with its empty line and has no byte that may not be there.
pub(super) fn parse(bytes: &Bytes) -> Result<Head, Refusal> {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_LIMIT];
    let mut head = httparse::Request::new(&mut []);
    match head.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        _ => return Err(MALFORMED),
    }
    let (Some(method), Some(path)) = (head.method, head.path) else { return Err(MALFORMED) };
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| MALFORMED)?;
    *request.uri_mut() = target(bytes, path)?;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers(bytes, head.headers)?;
    let headers = request.headers();
    check_host(headers)?;
    let length = length(headers)?;
    check_wishes(headers)?;
    let is_last = says_close(headers);
    Ok(Head { request, length, is_last })
}

/// A path, and nothing that names a host once more.
fn target(head: &Bytes, path: &str) -> Result<Uri, Refusal> {
    if !path.starts_with('/') || path.contains('#') {
        return Err(NO_PATH);
    }
    Uri::from_maybe_shared(head.slice_ref(path.as_bytes())).map_err(|_| NO_PATH)
}

fn headers(head: &Bytes, lines: &[httparse::Header<'_>]) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| MALFORMED)?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(line.value)).map_err(|_| MALFORMED)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn check_host(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if !host.is_empty() => Ok(()),
        _ => Err(HOSTS),
    }
}

/// How long the body is: one way to say so, and one number.
fn length(headers: &HeaderMap) -> Result<usize, Refusal> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(if length.is_some() { TWO_LENGTHS } else { ENCODED });
    }
    let Some(length) = length else { return Ok(0) };
    if lengths.next().is_some() {
        return Err(TWO_LENGTHS);
    }
    let digits = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or(NO_LENGTH)?;
    usize::try_from(length).ok().filter(|length| *length <= BODY_LIMIT).ok_or(LARGE)
}

/// Things a request may ask of a server, which this one does not do.
fn check_wishes(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(UPGRADE) {
        return Err(UPGRADED);
    }
    if headers.contains_key(EXPECT) {
        return Err(EXPECTING);
    }
    Ok(())
}

fn says_close(headers: &HeaderMap) -> bool {
    let words = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    words.flat_map(|words| words.split(',')).any(|word| word.trim().eq_ignore_ascii_case("close"))
}
