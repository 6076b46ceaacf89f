//! The framing of responses: their headers, their length and the end of the connection.

use std::net::Shutdown;

use crate::common::{EVENT_TIMEOUT, lab, start, unix};

/// Promise 5.11. The route of the lab sets wrong connection headers.
#[test]
fn reply_of_a_route_with_headers_of_the_connection_is_framed_by_the_endpoint() {
    let lab = lab();
    start(&lab, &[]);
    let mut connection = unix(&lab);
    // The reply to a HEAD request has no body that its length could contradict.
    for (method, length) in [("GET", 6), ("GET", 6), ("HEAD", 3)] {
        connection.send(format!("{method} /own/framing HTTP/1.1\r\nHost: x\r\n\r\n"));
        let head = String::from_utf8(connection.until(b"\r\n\r\n").expect("a head")).expect("text").to_lowercase();
        assert!(head.contains(&format!("content-length: {length}\r\n")), "{head}");
        assert_eq!((head.matches("content-length").count(), head.matches("date: ").count()), (1, 1), "{head}");
        for header in ["transfer-encoding", "upgrade", "connection", "yesterday"] {
            assert!(!head.contains(header), "{head}");
        }
        if method == "GET" {
            assert_eq!(connection.until(b"framed").expect("a body"), b"framed");
        }
    }
    connection.send("GET /own/lengths HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = String::from_utf8(connection.until(b"\r\n\r\n").expect("a head")).expect("text").to_lowercase();
    assert_eq!((head.matches("content-length").count(), head.contains("content-length: 6\r\n")), (1, true), "{head}");
    assert_eq!(connection.until(b"framed").expect("a body"), b"framed");
    // The endpoint adds a body to the empty error of the router, and corrects its length.
    connection.send("HEAD /own/nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = String::from_utf8(connection.until(b"\r\n\r\n").expect("a head")).expect("text").to_lowercase();
    assert!(head.starts_with("http/1.1 404") && !head.contains("content-length: 0\r\n"), "{head}");
    assert_eq!(connection.ask("GET /own/nowhere HTTP/1.1\r\nHost: x\r\n\r\n").json()["success"], false);
    let next = connection.ask("GET /own HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(next.body, "own", "the connection goes on");
}

/// Promise 5.11.
#[test]
fn connection_ends_after_the_reply_to_a_request_that_closes_it() {
    let lab = lab();
    start(&lab, &[]);
    for (value, closes) in
        [("close", true), ("Close", true), ("keep-alive, close", true), ("x,\tclose ", true), ("closed", false)]
    {
        let mut connection = unix(&lab);
        let reply = connection.ask(&format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: {value}\r\n\r\n"));
        assert_eq!(reply.header("connection") == Some("close"), closes, "{value}: {reply:?}");
        if closes {
            connection.ended();
        } else {
            assert_eq!(connection.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status(), 200);
        }
    }
}

/// Promise 5.25. A request that is refused by the check of its head receives the same kind of response as any other.
#[test]
fn refused_head_is_answered_with_json_and_the_headers_of_every_reply() {
    let lab = lab();
    start(&lab, &[]);
    for (request, status) in [
        ("GET / HTTP/1.1\nHost: x\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", 400),
        ("GET /<> HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("HEAD / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
    ] {
        let mut connection = unix(&lab);
        let reply = connection.ask(request);
        assert_eq!((reply.status(), &reply.json()["success"]), (status, &false.into()), "{request:?}");
        assert!(reply.json()["message"].is_string(), "{reply:?}");
        for (name, value) in [
            ("connection", "close"),
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{request:?}");
        }
        assert!(reply.header("date").is_some_and(|date| date.ends_with(" gmt")), "{reply:?}");
        connection.ended();
    }
}

/// Promise 5.13. A client that reads events sends no further request, so its half-close ends the stream, even after bytes that
/// followed its request.
#[test]
fn stream_of_events_ends_when_its_client_half_closes() {
    let lab = lab();
    start(&lab, &[]);
    for more in ["", "x"] {
        let mut reader = unix(&lab);
        reader.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        reader.until(br#"{"state":"running"}"#).expect("the first event");
        reader.send(more);
        reader.stream.shutdown(Shutdown::Write).expect("half a close");
        let begun = std::time::Instant::now();
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut reader.stream, &mut rest);
        assert!(begun.elapsed() < EVENT_TIMEOUT, "it goes on after {more:?}");
    }
}
