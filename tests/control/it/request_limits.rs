//! The limits of a request in size and time, and its boundaries.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{AT_ONCE, EVENT_TIMEOUT, get, lab, post, start, unix};

/// Promise 5.10.
#[test]
fn request_over_a_limit_is_refused_and_closed() {
    let lab = lab();
    start(&lab, &[]);
    let head =
        |name: &str, length: usize| format!("GET / HTTP/1.1\r\nHost: x\r\n{name}: {}\r\n\r\n", "x".repeat(length));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(64));
    let body = |length: usize| {
        let kind = "Content-Type: application/json\r\n";
        format!(
            "POST /event HTTP/1.1\r\nHost: x\r\n{kind}Content-Length: {length}\r\n\r\n\"{}\"",
            "x".repeat(length - 2)
        )
    };
    for (request, expected) in
        [(head("X", 9000), 431), (head("X", 100_000), 431), (many, 431), (body(65_537), 413), (body(1_000_000), 413)]
    {
        let mut connection = unix(&lab);
        assert_eq!(connection.ask(&request).status(), expected);
        connection.ended();
    }
    assert_eq!(unix(&lab).ask(&head("X", 8000)).status(), 200);
    assert_eq!(unix(&lab).ask(&body(65_536)).status(), 200);
}

/// Promise 5.10.
#[test]
fn incomplete_request_times_out() {
    let lab = lab();
    start(&lab, &[]);
    for part in ["GET / HT", "POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{}"] {
        let mut connection = unix(&lab);
        let begun = Instant::now();
        assert_eq!(connection.ask(part).status(), 408, "{part:?}");
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(4) && took < Duration::from_secs(8), "{took:?}");
        connection.ended();
    }
}

/// Promise 5.10. The time counts from the first byte to the last, even if bytes arrive steadily.
#[test]
fn trickling_request_times_out() {
    let lab = lab();
    start(&lab, &[]);
    for begun in ["GET / HTTP/1.1\r\nHost: x\r\nX: ", "POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"] {
        let mut connection = unix(&lab);
        let since = Instant::now();
        connection.send(begun);
        let mut drops = connection.stream.try_clone().expect("a descriptor");
        let dripping = thread::spawn(move || {
            while since.elapsed() < EVENT_TIMEOUT && drops.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(500));
            }
        });
        assert_eq!(connection.answer().status(), 408, "{begun:?}");
        let took = since.elapsed();
        assert!(took > Duration::from_secs(4) && took < Duration::from_secs(8), "{took:?}");
        connection.ended();
        dripping.join().expect("it ends");
    }
}

/// Promise 5.11.
#[test]
fn refused_bytes_are_never_read_as_a_request() {
    let lab = lab();
    start(&lab, &[]);
    let inner = "POST /stop HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let event = "POST /event HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    for (request, expected) in [
        (format!("{event}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{inner}"), 400),
        (format!("{event}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"), 501),
        (format!("{event}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{inner}", inner.len()), 400),
        (format!("{event}Content-Length: +0\r\n\r\n{inner}"), 400),
        (format!("{event}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n{inner}"), 501),
        (format!("{event}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n{inner}"), 417),
        (format!("GET / HTTP/1.1\nHost: x\n\n{inner}"), 400),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n folded\r\n\r\n{inner}"), 400),
        (format!("GET /\r\n\r\n{inner}"), 400),
        (format!("GET / HTTP/1.0\r\n\r\n{inner}"), 505),
    ] {
        let mut connection = unix(&lab);
        assert_eq!(connection.ask(&request).status(), expected, "{request:?}");
        connection.ended();
    }
    // The first request is answered; the bytes that arrived before its response are not parsed.
    let mut connection = unix(&lab);
    connection.send(format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{inner}"));
    assert_eq!((connection.answer().status(), connection.answer().status()), (200, 400));
    connection.ended();
    assert_eq!(get(&lab, "/").json()["state"], "running");
}

/// Promise 5.11.
#[test]
fn request_in_any_pieces_is_answered() {
    let lab = lab();
    start(&lab, &[]);
    let request = crate::common::posted("/event", "x", "", r#"{"name":"echo","x":7}"#);
    let mut connection = unix(&lab);
    for _ in 0..3 {
        for byte in request.bytes() {
            connection.send([byte]);
        }
        assert_eq!(connection.answer().json()["x"], 7);
    }
}

/// Promise 5.17.
#[test]
fn other_protocol_is_refused_at_its_first_line() {
    let lab = lab();
    start(&lab, &[]);
    for line in ["status\r\n", "*1\r\n$4\r\nPING\r\n", "EHLO x\r\n", "\r\n", "\u{16}\u{3}\u{1}"] {
        let mut connection = unix(&lab);
        let begun = Instant::now();
        assert_eq!(connection.ask(line).status(), 400, "{line:?}");
        assert!(begun.elapsed() < AT_ONCE);
        let mut rest = Vec::new();
        connection.stream.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a timeout");
        assert_eq!(connection.stream.read_to_end(&mut rest).unwrap_or(0), 0);
    }
    post(&lab, "/stop", "{}");
}
