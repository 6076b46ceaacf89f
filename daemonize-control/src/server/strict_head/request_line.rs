//! Checks the request line: a method, a path and `HTTP/1.1`.

use crate::refusal::Refusal;
use axum::http::{Method, StatusCode};

const MALFORMED: Refusal = Refusal::bad_request("the request line is malformed");
const NO_VERSION: Refusal = Refusal::bad_request("the request line does not end with HTTP/1.1");
const OTHER_VERSION: Refusal = Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 is supported");
const NOT_A_PATH: Refusal = Refusal::bad_request("the request target is not a path");

/// Checks a request line without its CR LF: a method, a path and `HTTP/1.1`, with one space between.
pub(super) fn check(line: &[u8]) -> Result<(), Refusal> {
    let Some(method_and_target) = line.strip_suffix(b" HTTP/1.1") else {
        let last = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        return Err(if last.starts_with(b"HTTP/") && last.len() < line.len() { OTHER_VERSION } else { NO_VERSION });
    };
    let Some(space) = method_and_target.iter().position(|byte| *byte == b' ') else { return Err(MALFORMED) };
    let (method, target) = (&method_and_target[..space], &method_and_target[space + 1..]);
    if Method::from_bytes(method).is_err() {
        return Err(MALFORMED);
    }
    // A complete URI would name a second host. CONNECT has no path: hyper would turn the connection into a tunnel.
    if method == b"CONNECT" || !target.starts_with(b"/") || !is_path_and_query(target) {
        return Err(NOT_A_PATH);
    }
    Ok(())
}

/// Returns `true` if the printable bytes are a path, with or without a query. hyper accepts the same bytes, and drops a
/// fragment.
fn is_path_and_query(target: &[u8]) -> bool {
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    path.iter().all(|byte| !matches!(byte, b' ' | b'#' | b'<' | b'>' | b'`'))
        && query.iter().all(|byte| !matches!(byte, b' ' | b'"' | b'#' | b'<' | b'>'))
}
