//! A hostile daemon: its identity is verified, but its responses are endless.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use crate::impostors::{sealed, socket};

/// Returns the beginning of the response, and the piece that is repeated endlessly.
fn answer(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "head" => ("HTTP/1.1 200 OK\r\nA: ", "x"),
        "line" => ("HTTP/1.1 200 OK\r\n\r\n", "x"),
        "event" => ("HTTP/1.1 200 OK\r\n\r\n", "data: x\n"),
        "empty" => ("HTTP/1.1 200 OK\r\n\r\n", "data\n"),
        "chunk" => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", "x"),
        "chunks" => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\nxxxxxxxx\r\n"),
        "bytes" => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        "informational" => ("", "HTTP/1.1 102 Processing\r\n\r\n"),
        "size" => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"),
        "refusal" => ("HTTP/1.1 404 Not Found\r\n\r\n", "x"),
        "values" => ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\n\r\n[", "[0],"),
        other => panic!("no such answer: {other}"),
    }
}

/// Sends this response on every connection.
pub(crate) fn flood(pidfile: &str, kind: &str) {
    let (listener, path) = socket();
    let _pidfile = sealed(pidfile, &[format!("unix://{path}")]);
    let (begin, piece) = answer(kind);
    let pieces = piece.repeat(8192).into_bytes();
    for stream in listener.incoming() {
        let (mut stream, pieces): (UnixStream, _) = (stream.expect("a connection"), pieces.clone());
        thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]);
            let mut sent = stream.write_all(begin.as_bytes());
            while sent.is_ok() {
                sent = stream.write_all(&pieces);
            }
        });
    }
}
