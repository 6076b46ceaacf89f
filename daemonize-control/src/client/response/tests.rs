//! Responses in one piece and in all possible pieces.

use super::super::poller::Poller;
use super::super::socket::ClientSocket;
use super::*;
use proptest::prelude::*;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Mutex;

/// A socket that receives these pieces, and then the end.
struct ScriptedSocket<I> {
    pieces: I,
    rest: Vec<u8>,
    sent: Arc<Mutex<Vec<u8>>>,
    fd: File,
}

impl<I> AsFd for ScriptedSocket<I> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<I: Iterator<Item = Vec<u8>> + Send + Sync> ClientSocket for ScriptedSocket<I> {
    fn poll_read(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        while self.rest.is_empty() {
            let Some(piece) = self.pieces.next() else { return Poll::Ready(Ok(0)) };
            self.rest = piece;
        }
        let length = self.rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        Poll::Ready(Ok(length))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.sent.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
}

/// Runs a future that waits for scripted sockets only.
pub(in crate::client) fn run<T>(future: impl Future<Output = T>) -> T {
    Arc::<Poller>::default().block_on(None, future).unwrap()
}

/// Receives the response to `request` from a socket that receives these pieces.
pub(in crate::client) fn respond<I>(request: Request, pieces: I) -> Result<Response>
where
    I: Iterator<Item = Vec<u8>> + Send + Sync + 'static,
{
    let (rest, sent, fd) = (Vec::new(), Arc::default(), File::open("/dev/null").unwrap());
    let io = HyperIo::new(Box::new(ScriptedSocket { pieces, rest, sent, fd }), true);
    let sent = request.for_host("localhost", None).unwrap();
    run(Response::receive(io, sent, request))
}

/// Returns the status and the body of a reply that is cut at these places.
fn reply(bytes: &[u8], cuts: &[usize]) -> Result<(u16, Vec<u8>)> {
    let bounds = [&[0], cuts, &[bytes.len()]].concat();
    let pieces: Vec<Vec<u8>> = bounds.windows(2).map(|bound| bytes[bound[0]..bound[1]].to_vec()).collect();
    let mut response = respond(Request::get("/x").unwrap(), pieces.into_iter())?;
    Ok((response.status.as_u16(), run(response.read_to_end(MAX_BODY))?))
}

const REPLIES: [&str; 5] = [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"answer\":42}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\n\r\nuntil the end",
    "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
];

#[test]
fn reply_in_any_pieces_is_the_same() {
    let expected = [(200, "{\"answer\":42}"), (200, "hello!"), (404, "until the end"), (204, ""), (200, "!")];
    for (bytes, (status, body)) in REPLIES.iter().zip(expected) {
        let expected = (status, body.as_bytes().to_vec());
        assert_eq!(reply(bytes.as_bytes(), &[]).unwrap(), expected, "{bytes:?}");
        for cut in 0..=bytes.len() {
            assert_eq!(reply(bytes.as_bytes(), &[cut]).unwrap(), expected, "{bytes:?} at {cut}");
        }
        let all: Vec<usize> = (0..=bytes.len()).collect();
        assert_eq!(reply(bytes.as_bytes(), &all).unwrap(), expected, "{bytes:?} in single bytes");
    }
}

#[test]
fn reply_that_is_cut_off_is_an_error() {
    for bytes in &REPLIES[..2] {
        for end in 0..bytes.len() {
            let error = reply(&bytes.as_bytes()[..end], &[]).unwrap_err();
            let why = if end == 0 { "closed the connection without a response" } else { "the response is cut off" };
            assert!(
                error.kind() == ErrorKind::Reply && error.to_string().ends_with(why),
                "{:?}: {error}",
                &bytes[..end]
            );
        }
    }
}

/// Promise 5.19.
#[test]
fn reply_that_is_not_http_or_too_large_is_an_error_that_says_so() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    for (bytes, why) in [
        ("220 smtp ready\r\n\r\n".to_owned(), "it is not HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_owned(), "the limit of a reply"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n".to_owned(), "the limit of a reply"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12".to_owned(), "it is not HTTP"),
        (format!("{chunked}Content-Length: 1\r\n\r\n0\r\n\r\n"), "it states its length twice"),
        (format!("{chunked}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "it states its length twice"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), "is not `chunked`"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(), "is not `chunked`"),
        (format!("{chunked}\r\nnothing\r\n"), "chunk"),
        (format!("{chunked}\r\n1\r\nab\r\n"), "chunk"),
        (format!("{chunked}\r\n1;{}", "x".repeat(20 << 10)), EXTENSIONS_TOO_LARGE),
        (format!("{chunked}\r\n{}", "1;x\r\n.\r\n".repeat(20 << 10)), EXTENSIONS_TOO_LARGE),
        (format!("{chunked}\r\n0\r\nA: {}", "x".repeat(20 << 10)), TRAILERS_TOO_LARGE),
        (format!("{chunked}\r\n0\r\n{}\r\n", "A: a\r\n".repeat(101)), TRAILERS_TOO_LARGE),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".to_owned(), "it has no final status"),
        ("HTTP/1.1 600 Odd\r\n\r\n".to_owned(), "it has no final status"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n".to_owned(), HEAD_TOO_LARGE),
        (format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(MAX_HEAD)), HEAD_TOO_LARGE),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: a\r\n".repeat(101)), HEAD_TOO_LARGE),
        (format!("{}HTTP/2 200\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)), "it is not HTTP"),
    ] {
        let error = reply(bytes.as_bytes(), &[]).map(|_| ()).unwrap_err();
        let (text, start) = (error.to_string(), "failed to parse the response to `/x`: ");
        assert!(error.kind() == ErrorKind::Reply && text.starts_with(start) && text.contains(why), "{why}: {text}");
    }
}

#[test]
fn reply_at_the_limits_of_its_head_and_trailers_is_accepted() {
    let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{}\r\n", "A: a\r\n".repeat(99));
    let chunk = format!("1;{}\r\n!\r\n0\r\n", "x".repeat(16_000));
    let bytes = format!("{head}{chunk}{}\r\n", "A: a\r\n".repeat(99));
    assert_eq!(reply(bytes.as_bytes(), &[]).unwrap(), (200, b"!".to_vec()));
}

#[test]
fn request_is_what_the_endpoint_reads() {
    let request = Request::post("event", &serde_json::json!({"name": "ack"})).unwrap();
    let sent = |host: &str, token: Option<&str>| {
        let token = token.map(|token| super::super::trust::Secret(token.into()));
        let sent = Arc::default();
        let pieces = std::iter::empty();
        let socket =
            ScriptedSocket { pieces, rest: Vec::new(), sent: Arc::clone(&sent), fd: File::open("/dev/null").unwrap() };
        let http = request.for_host(host, token.as_ref()).unwrap();
        let _ = run(Response::receive(HyperIo::new(Box::new(socket), true), http, request.clone()));
        let sent: Vec<u8> = sent.lock().unwrap().clone();
        String::from_utf8(sent).unwrap()
    };
    assert_eq!(
        sent("127.0.0.1:80", Some("5ec2e7")),
        "POST /event HTTP/1.1\r\nconnection: close\r\nhost: 127.0.0.1:80\r\naccept: application/json, */*;q=0.5\r\n\
         authorization: Bearer 5ec2e7\r\ncontent-type: application/json\r\n\
         content-length: 14\r\n\r\n{\"name\":\"ack\"}"
    );
    assert!(!sent("localhost", None).contains("authorization"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_in_any_pieces(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        kind in 0..3usize,
        cut in 0..150usize,
    ) {
        let heads = ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"];
        let bytes = [heads[kind].as_bytes(), &bytes].concat();
        let cut = cut.min(bytes.len());
        prop_assert_eq!(reply(&bytes, &[]).ok(), reply(&bytes, &[cut]).ok());
    }
}
