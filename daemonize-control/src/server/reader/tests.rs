//! What is read, what is refused, and that it does not matter in which pieces it comes.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

fn status(bytes: &[u8]) -> u16 {
    match Reader::default().push(bytes) {
        Progress::Refusal(refusal) => refusal.status.as_u16(),
        Progress::Request(_) => 200,
        Progress::NeedMore => 0,
    }
}

fn asked(bytes: &[u8]) -> Asked {
    match Reader::default().push(bytes) {
        Progress::Request(asked) => *asked,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_read_as_it_is() {
    let asked = asked(b"POST /event?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nX-Y:  z \r\n\r\n{}");
    let request = asked.request;
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/event?x=1"));
    assert_eq!((request.headers()["x-y"].to_str().unwrap(), &request.body()[..]), ("z", &b"{}"[..]));
    assert!(!asked.is_last);
}

#[test]
fn a_request_that_is_the_last_says_so() {
    for value in ["close", "Close", "keep-alive, close", "x,\tclose "] {
        assert!(
            asked(format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {value}\r\n\r\n").as_bytes()).is_last,
            "{value}"
        );
    }
    assert!(!asked(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n").is_last);
}

#[test]
fn p5_11_what_could_be_read_in_two_ways_is_refused() {
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
        ("X", 400),
        (": a", 400),
        ("Host: b", 400),
        ("Upgrade: websocket\r\nConnection: upgrade", 501),
        ("Expect: 100-continue", 417),
    ] {
        assert_eq!(status(with(lines).as_bytes()), expected, "{lines:?}");
    }
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
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("get / http/1.1\r\n", 400),
        ("\x16\x03\x01", 400),
    ] {
        assert_eq!(status(head.as_bytes()), expected, "{head:?}");
    }
}

#[test]
fn p5_10_what_is_too_long_is_refused_where_the_limit_is() {
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
fn requests_follow_each_other_only_after_answers() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut reader = Reader::default();
    for _ in 0..3 {
        assert!(matches!(reader.push(request), Progress::Request(_)));
        assert!(matches!(reader.look(), Progress::NeedMore) && !reader.is_between_requests());
        reader.answered();
        assert!(reader.is_between_requests());
    }
    let twice = [&request[..], &request[..]].concat();
    assert!(matches!(reader.push(&twice), Progress::Request(_)));
    reader.answered();
    assert!(matches!(reader.look(), Progress::Refusal(PIPELINED)));
    assert!(matches!(reader.push(request), Progress::Refusal(PIPELINED)), "a refusal is for ever");
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
    #[test]
    fn p5_11_packet_boundaries_mean_nothing(stream in streams(), second in any::<prop::sample::Index>()) {
        let whole = outcomes(&[&stream]);
        let step = stream.len() / 200 + 1;
        for end in (0..=stream.len()).step_by(step) {
            prop_assert_eq!(&outcomes(&[&stream[..end], &stream[end..]]), &whole, "split at {}", end);
        }
        let cut = second.index(stream.len() + 1);
        let single: Vec<&[u8]> = stream[..cut].chunks(1).chain([&stream[cut..]]).collect();
        prop_assert_eq!(&outcomes(&single), &whole);
    }
}
