//! hyper reads exactly the request that was checked: a difference would let a request be smuggled past the check.

use super::super::{Progress, StrictHead};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use proptest::prelude::*;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

/// A peer that sends these bytes, closes its side, and reads all replies.
struct Peer(io::Cursor<Vec<u8>>);

impl Read for Peer {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 256];
        let room = out.remaining().min(bytes.len());
        let length = io::Read::read(&mut self.0, &mut bytes[..room])?;
        out.put_slice(&bytes[..length]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Peer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The method, the target, the headers and the body of a request.
type Parts = (String, String, HeaderMap, Bytes);

/// Returns the requests that hyper reads, with the settings of the server.
fn read_by_hyper(bytes: Vec<u8>) -> Vec<Parts> {
    let requests: Arc<Mutex<Vec<Parts>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let requests = Arc::clone(&requests);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            requests.lock().unwrap().push((head.method.to_string(), head.uri.to_string(), head.headers, body));
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    let peer = Peer(io::Cursor::new(bytes));
    let served = Builder::new().half_close(true).max_buf_size(64 * 1024).serve_connection(peer, service);
    let served = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(served);
    served.expect("hyper refuses what was passed on");
    std::mem::take(&mut requests.lock().unwrap())
}

/// Asserts that hyper reads these bytes as one request, and as this one. Returns `false` if the check
/// does not pass them on as one.
fn is_read_alike(method: &str, target: &str, headers: &[(String, Vec<u8>)], body: &[u8]) -> bool {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b":", value, b"\r\n"].concat());
    }
    bytes.extend([b"\r\n", body].concat());
    let (mut checked, mut passed) = (StrictHead::default(), Vec::new());
    checked.input().extend_from_slice(&bytes);
    while let Progress::Pass(count) = checked.progress() {
        checked.pass_on(count, |bytes| passed.extend_from_slice(bytes));
    }
    // Refused, shorter than its length, or with the beginning of another request behind it.
    if !checked.answered() {
        return false;
    }
    let mut requests = read_by_hyper(passed);
    let (read_method, read_target, read_headers, read_body) = requests.pop().expect("a request");
    assert!(requests.is_empty(), "{requests:?} before {read_method} {read_target}");
    assert_eq!((read_method.as_str(), read_target.as_str(), &*read_body), (method, target, body));
    assert_eq!(read_headers.len(), headers.len() + 1, "{read_headers:?}");
    for (name, value) in headers {
        let mut values = read_headers.get_all(name).iter();
        assert!(values.any(|read| read.as_bytes() == value.trim_ascii()), "{name}: {value:?} in {read_headers:?}");
    }
    true
}

/// Promise 5.11.
#[test]
fn request_that_is_passed_on_is_read_by_hyper() {
    let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
    assert!(is_read_alike("GET", "//a/b?c=d&e", &[header("X", b" \xff\t. ")], b""));
    assert!(is_read_alike("!#$%&'*+-.^_`|~", "/\"{}", &[header("!#$%&'*+-.^_`|~", b"")], b""));
    assert!(is_read_alike("POST", "/", &[header("content-LENGTH", b"\t0003\t")], b"\r\nx"));
    assert!(is_read_alike("HEAD", "/%00", &[header("Connection", b"upgrade"), header("Connection", b"")], b""));
}

proptest! {
    /// Promise 5.11.
    #[test]
    fn request_of_any_bytes_is_refused_or_read_alike_by_hyper(
        method in prop_oneof![3 => "GET|HEAD|POST|OPTIONS|TRACE", 1 => "[!-~]{1,4}"],
        target in prop_oneof![3 => "/[!-~]{0,12}", 1 => "/[ -~\u{80}-\u{ff}]{0,4}"],
        headers in proptest::collection::vec((
            prop_oneof![
                4 => "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,6}",
                1 => "Connection|Content-Length|Transfer-Encoding|Expect|TE",
                1 => "[ -9;-~]{1,3}",
            ],
            prop_oneof![
                3 => "[ -~\t]{0,12}".prop_map(String::into_bytes),
                1 => "[ \t]?0{0,3}[0-4][ \t]?".prop_map(String::into_bytes),
                1 => "close|keep-alive|upgrade, HTTP2-Settings|chunked".prop_map(String::into_bytes),
                1 => proptest::collection::vec(any::<u8>(), 0..4),
            ],
        ), 0..4),
        body in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        is_read_alike(&method, &target, &headers, &body);
    }
}
