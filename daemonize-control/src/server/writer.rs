//! Writes responses: the head and the body with one call where they are small, and never slower than a deadline.

use super::door::Stream;
use super::glance;
use axum::body::{Body, HttpBody};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Response, StatusCode};
use bytes::Bytes;
use std::cell::RefCell;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

/// How long the reader may take for what is written at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much is written at once, as far as it can be helped.
const MUCH: usize = 64 * 1024;

/// How the end of a body is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// There is none, as the status or the method says; it would be so long.
    Omitted(Option<u64>),
    /// By its length: so much is left.
    Length(u64),
    /// By chunks.
    Chunked,
}

/// What is about to be written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Sends a response; whether the connection can go on.
    pub(super) async fn send(
        &mut self,
        stream: &mut impl Stream,
        is_head: bool,
        response: Response<Body>,
        is_last: bool,
    ) -> io::Result<bool> {
        let (parts, mut body) = response.into_parts();
        let length = body.size_hint().exact();
        let framing =
            if is_head { Framing::Omitted(told(&parts.headers).or(length)) } else { framing(parts.status, length) };
        self.head(parts.status, &parts.headers, framing, is_last);
        let mut left = framing;
        while matches!(left, Framing::Length(1..) | Framing::Chunked) {
            let Some(data) = self.next(stream, &mut body).await? else { break };
            self.put(&mut left, &data);
            if self.out.len() >= MUCH || framing == Framing::Chunked {
                self.flush(stream).await?;
            }
        }
        if framing == Framing::Chunked {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
        self.flush(stream).await?;
        // A body that was shorter than its length leaves the reader waiting: it is told by the end of the connection.
        Ok(!matches!(left, Framing::Length(1..)))
    }

    /// Begins a stream of events, with the first one.
    pub(super) async fn begin_events(&mut self, stream: &mut impl Stream, first: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n");
        self.end_head(&HeaderMap::new(), Framing::Chunked, true);
        self.chunk(stream, first).await
    }

    /// Sends a chunk; an empty one is the last.
    pub(super) async fn chunk(&mut self, stream: &mut impl Stream, data: &[u8]) -> io::Result<()> {
        self.put_chunk(data);
        if data.is_empty() {
            self.out.extend_from_slice(b"0\r\n\r\n");
        }
        self.flush(stream).await
    }

    fn head(&mut self, status: StatusCode, headers: &HeaderMap, framing: Framing, is_last: bool) {
        let reason = status.canonical_reason().unwrap_or("Unknown");
        for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
        for (name, value) in headers {
            if !is_ours(name) {
                self.line(name.as_str().as_bytes(), value.as_bytes());
            }
        }
        self.end_head(headers, framing, is_last);
    }

    /// What every answer says.
    fn end_head(&mut self, headers: &HeaderMap, framing: Framing, is_last: bool) {
        if !headers.contains_key(CACHE_CONTROL) {
            self.line(b"cache-control", b"no-store");
        }
        if !headers.contains_key(X_CONTENT_TYPE_OPTIONS) {
            self.line(b"x-content-type-options", b"nosniff");
        }
        if is_last {
            self.line(b"connection", b"close");
        }
        match framing {
            Framing::Omitted(None) => {}
            Framing::Omitted(Some(length)) | Framing::Length(length) => {
                self.line(b"content-length", length.to_string().as_bytes());
            }
            Framing::Chunked => self.line(b"transfer-encoding", b"chunked"),
        }
        date(|date| self.line(b"date", date));
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        for part in [name, b": ", value, b"\r\n"] {
            self.out.extend_from_slice(part);
        }
    }

    /// The next piece of a body; what is there already is sent before it is waited for.
    async fn next(&mut self, stream: &mut impl Stream, body: &mut Body) -> io::Result<Option<Bytes>> {
        loop {
            let frame =
                match std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *body).poll_frame(context))).await {
                    Poll::Ready(frame) => frame,
                    Poll::Pending => {
                        self.flush(stream).await?;
                        tokio::select! {
                            biased;
                            frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)) => frame,
                            () = glance::gone(stream) => return Err(io::ErrorKind::BrokenPipe.into()),
                        }
                    }
                };
            let Some(frame) = frame else { return Ok(None) };
            // Trailers are nobody's here.
            if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                return Ok(Some(data));
            }
        }
    }

    fn put(&mut self, left: &mut Framing, data: &Bytes) {
        match left {
            Framing::Omitted(_) => {}
            Framing::Chunked => self.put_chunk(data),
            Framing::Length(left) => {
                let much = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                self.out.extend_from_slice(&data[..much]);
                *left -= much as u64;
            }
        }
    }

    /// An empty one would be the last.
    fn put_chunk(&mut self, data: &[u8]) {
        if !data.is_empty() {
            let _ = write!(self.out, "{:x}\r\n", data.len());
            self.out.extend_from_slice(data);
            self.out.extend_from_slice(b"\r\n");
        }
    }

    async fn flush(&mut self, stream: &mut impl Stream) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = tokio::select! {
            biased;
            written = stream.write_all(&self.out) => written,
            // No timer is set where there is room for all of it.
            () = async { sleep(PATIENCE).await } => Err(io::ErrorKind::TimedOut.into()),
        };
        self.out.clear();
        self.out.shrink_to(MUCH);
        written
    }
}

/// Headers that are between the two ends of a connection, and so decided here.
fn is_ours(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE, DATE].contains(name)
}

fn framing(status: StatusCode, length: Option<u64>) -> Framing {
    match length {
        _ if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => Framing::Omitted(None),
        Some(length) => Framing::Length(length),
        None => Framing::Chunked,
    }
}

/// How long a route says that its body would be.
fn told(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Calls `put` with the date as HTTP writes it, which is made once a second.
fn date(put: impl FnOnce(&[u8])) {
    thread_local! {
        static LAST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    LAST.with_borrow_mut(|(last, text)| {
        if *last != second {
            *last = second;
            *text = httpdate::fmt_http_date(now);
        }
        put(text.as_bytes());
    });
}
