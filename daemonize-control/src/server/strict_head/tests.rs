//! Heads that are passed on, heads that are refused, and packet boundaries, which do not matter.

mod agreement;

use super::limits::BODY_LIMIT;
use super::*;
use axum::http::uri::PathAndQuery;
use proptest::prelude::*;
use std::fmt::Write as _;

/// Returns the status of the refusal; 200 for a whole request, 0 for the beginning of one.
fn status(bytes: &[u8]) -> u16 {
    match outcome(&[bytes]) {
        (_, Some(refusal)) => refusal.status.as_u16(),
        (passed, None) if passed.is_empty() => 0,
        (passed, None) => {
            assert_eq!(passed, bytes, "it is passed on unchanged");
            200
        }
    }
}

#[test]
fn request_within_the_rules_is_passed_on_unchanged() {
    assert_eq!(status(b"POST /event?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nX-Y:  z \r\n\r\n{}"), 200);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe9\xff\t.\r\n\r\n"), 200);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: a\r\n"), 0, "its head is not complete");
}

/// Promise 5.11.
#[test]
fn ambiguous_request_is_refused() {
    let with = |lines: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
    for (lines, expected) in [
        ("Content-Length: 1\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1", 400),
        ("Transfer-Encoding: chunked", 501),
        ("Transfer-Encoding: identity", 501),
        ("Content-Length: 1\r\nContent-Length: 1", 400),
        ("Content-Length: 1\r\nContent-Length: 2", 400),
        ("Content-Length: 1, 1", 400),
        ("Content-Length: +5", 400),
        ("Content-Length: -5", 400),
        ("Content-Length: 0x5", 400),
        ("Content-Length: 5 5", 400),
        ("Content-Length:", 400),
        ("Content-Length: 99999999999999999999999", 400),
        ("Content-Length: 18446744073709551615", 413),
        ("Content-Length: 65537", 413),
        ("X: a\n b", 400),
        ("X: a\r\n b", 400),
        ("X: a\r\n\tb", 400),
        ("X: a\rb", 400),
        ("X: a\0b", 400),
        ("X: a\x7fb", 400),
        ("X : a", 400),
        ("X(: a", 400),
        ("X\u{e9}: a", 400),
        ("X", 400),
        (": a", 400),
        ("Host: b", 400),
        ("Upgrade: websocket\r\nConnection: upgrade", 501),
        ("Expect: 100-continue", 417),
    ] {
        assert_eq!(status(with(lines).as_bytes()), expected, "{lines:?}");
    }
}

/// Promise 5.11.
#[test]
fn malformed_head_is_refused() {
    for (head, expected) in [
        ("GET /\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("\r\nGET / HTTP/1.1\r\n", 400),
        (" GET / HTTP/1.1\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{e9} HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.0\r\n", 505),
        ("PRI * HTTP/2.0\r\n", 505),
        ("GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /<x> HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("get / http/1.1\r\n", 400),
        ("\x16\x03\x01", 400),
    ] {
        assert_eq!(status(head.as_bytes()), expected, "{head:?}");
    }
}

/// Promise 5.11.
#[test]
fn target_passes_exactly_when_hyper_reads_it_as_a_path() {
    for byte in b'!'..=b'~' {
        for target in
            [format!("/a{}b", char::from(byte)), format!("/a?b{}c", char::from(byte)), char::from(byte).into()]
        {
            let is_path = byte != b'#' && target.starts_with('/') && PathAndQuery::try_from(&*target).is_ok();
            let expected = if is_path { 200 } else { 400 };
            assert_eq!(status(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()), expected, "{target}");
        }
    }
}

/// Promise 5.10.
#[test]
fn request_over_a_limit_is_refused() {
    let head = |length: usize| {
        let begin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{begin}{}\r\n\r\n", "x".repeat(length - begin.len() - 4))
    };
    assert_eq!((status(head(HEAD_LIMIT).as_bytes()), status(head(HEAD_LIMIT + 1).as_bytes())), (200, 431));
    assert_eq!(status(format!("GET /{}", "x".repeat(HEAD_LIMIT)).as_bytes()), 414);
    let headers = |count: usize| {
        let mut head = "GET / HTTP/1.1\r\nHost: a\r\n".to_owned();
        (1..count).for_each(|number| write!(head, "X: {number}\r\n").unwrap());
        head + "\r\n"
    };
    assert_eq!((status(headers(HEADERS_LIMIT).as_bytes()), status(headers(HEADERS_LIMIT + 1).as_bytes())), (200, 431));
    let body = |length: usize| {
        let mut request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        request.resize(request.len() + length, b'x');
        request
    };
    assert_eq!((status(&body(BODY_LIMIT)), status(&body(BODY_LIMIT + 1))), (200, 413));
}

#[test]
fn request_before_the_answer_to_the_last_one_is_refused() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut checked = StrictHead::default();
    for _ in 0..3 {
        checked.input().extend_from_slice(request);
        assert!(!checked.answered() && !checked.is_between_requests());
        assert!(matches!(checked.progress(), Progress::Pass(length) if length == request.len()));
        checked.pass_on(request.len(), |_| {});
        assert!(matches!(checked.progress(), Progress::NeedMore) && !checked.is_between_requests());
        assert!(checked.answered() && checked.is_between_requests());
    }
    checked.input().extend_from_slice(&request.repeat(2));
    assert!(matches!(checked.progress(), Progress::Pass(length) if length == request.len()));
    checked.pass_on(request.len(), |_| {});
    assert!(!checked.answered());
    assert!(matches!(checked.progress(), Progress::Refused(PIPELINED)));
    checked.input().extend_from_slice(request);
    assert!(matches!(checked.progress(), Progress::Refused(PIPELINED)), "a refusal is final");
}

/// Pieces of requests, right and wrong, of which streams are made.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"GET / HTTP/1.1\r\n"[..]),
        Just(&b"POST /event HTTP/1.1\r\nHost: a\r\n"[..]),
        Just(&b"Host: localhost\r\n"[..]),
        Just(&b"Content-Length: 3\r\n"[..]),
        Just(&b"Transfer-Encoding: chunked\r\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\n"[..]),
        Just(&b"\r"[..]),
        Just(&b" "[..]),
        Just(&b"abc"[..]),
        Just(&b"\0"[..]),
        Just(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..]),
    ];
    let known = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    let long =
        (8000..8400_usize).prop_map(|length| format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(length)).into_bytes());
    prop_oneof![8 => known, 1 => proptest::collection::vec(any::<u8>(), 0..200), 1 => long]
}

proptest! {
    /// Promise 5.11.
    #[test]
    fn request_in_any_pieces_has_the_same_result(stream in streams(), second in any::<prop::sample::Index>()) {
        let whole = outcome(&[&stream]);
        let step = stream.len() / 200 + 1;
        for end in (0..=stream.len()).step_by(step) {
            prop_assert_eq!(&outcome(&[&stream[..end], &stream[end..]]), &whole, "split at {}", end);
        }
        let cut = second.index(stream.len() + 1);
        let single: Vec<&[u8]> = stream[..cut].chunks(1).chain([&stream[cut..]]).collect();
        prop_assert_eq!(&outcome(&single), &whole);
    }
}
