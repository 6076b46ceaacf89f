//! One request and its response, on a connection of its own.
//!
//! hyper speaks HTTP/1.1; this module limits the responses that a client accepts, and converts the errors. The connection is read only
//! while the response is polled, by the same task, so that hyper buffers little and no task has to be spawned.

use super::connection::{Connect, VerifiedConnection};
use super::error::{Error, ErrorKind, Result, cause};
use super::request::Request;
use super::socket::{HyperIo, Traffic};
use super::target::Target;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use hyper::{StatusCode, http};
use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Maximum size of the body of a reply in bytes.
pub(super) const MAX_BODY: usize = 16 << 20;

/// Maximum size of the head of a response in bytes.
const MAX_HEAD: usize = 16 << 10;

const HEAD_TOO_LARGE: &str = "its head is over a limit: 16 KiB, 100 header fields, a length of 16 MiB";
const BODY_TOO_LARGE: &str = "it is larger than 16 MiB, the limit of a reply";
const EXTENSIONS_TOO_LARGE: &str = "the extensions of its chunks are larger than 16 KiB, the limit of a reply";
const TRAILERS_TOO_LARGE: &str = "its trailers are over a limit: 16 KiB, 100 fields";

/// A response whose head has been received.
pub(super) struct Response {
    request: Request,
    pub(super) status: StatusCode,
    pub(super) is_json: bool,
    body: Incoming,
    /// `None` when it has ended.
    connection: Option<HyperConnection>,
    traffic: Arc<Traffic>,
}

type HyperConnection = http1::Connection<HyperIo, Full<Bytes>>;

impl Response {
    /// Sends a request to the daemon, and waits for the head of the response.
    ///
    /// # Errors
    /// The connection cannot be opened; the peer ends it, or does not answer with HTTP.
    pub(super) async fn of(connector: &impl Connect, target: &Target, request: &Request) -> Result<Response> {
        let connection = VerifiedConnection::open(connector, target).await?;
        let sent = request.for_host(&connection.host, connection.token.as_ref())?;
        Response::receive(connection.io, sent, request.clone()).await
    }

    /// Sends `sent`, which is `request` for this connection.
    async fn receive(io: HyperIo, sent: http::Request<Full<Bytes>>, request: Request) -> Result<Response> {
        let traffic = Arc::clone(&io.traffic);
        let handshake = http1::Builder::new().max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD).handshake(io).await;
        let (mut sender, connection) = handshake.map_err(|error| failed(&request, &traffic, &error))?;
        let mut connection = Some(connection);
        let mut response = pin!(sender.send_request(sent));
        let response = poll_fn(|context| {
            poll_connection(&mut connection, context);
            response.as_mut().poll(context)
        });
        let (head, body) = response.await.map_err(|error| failed(&request, &traffic, &error))?.into_parts();
        check_head(head.status, &head.headers, &body).map_err(|why| malformed(&request, why))?;
        let kind = head.headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
        let is_json = kind.is_some_and(|kind| kind.starts_with(b"application/json"));
        Ok(Response { request, status: head.status, is_json, body, connection, traffic })
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Receives the next bytes of the body; `None` at its end.
    pub(super) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            poll_connection(&mut self.connection, context);
            match ready!(Pin::new(&mut self.body).poll_frame(context)?) {
                None => return Poll::Ready(None),
                Some(frame) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Some(Ok(bytes))),
                    // Trailers, of which hyper bounds the size.
                    _ => {}
                },
            }
        }
    }

    /// Receives the rest of the body.
    ///
    /// # Errors
    /// The body is larger than `limit` bytes, is cut off, or is not HTTP. Callers that show the error pass [`MAX_BODY`].
    pub(super) async fn read_to_end(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(bytes) = poll_fn(|context| self.poll_bytes(context)).await {
            let bytes = bytes.map_err(|error| self.failed(&error))?;
            if body.len() + bytes.len() > limit {
                return Err(malformed(&self.request, BODY_TOO_LARGE));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// Converts an error of hyper.
    pub(super) fn failed(&self, error: &hyper::Error) -> Error {
        failed(&self.request, &self.traffic, error)
    }
}

/// Reads and writes until it has to wait.
fn poll_connection(connection: &mut Option<HyperConnection>, context: &mut Context<'_>) {
    // Its errors reach the response or the body, too.
    if connection.as_mut().is_some_and(|connection| Pin::new(connection).poll(context).is_ready()) {
        *connection = None;
    }
}

/// Refuses responses that hyper accepts although their length is ambiguous or too large.
fn check_head(status: StatusCode, headers: &HeaderMap, body: &Incoming) -> Result<(), &'static str> {
    if !(200..600).contains(&status.as_u16()) {
        return Err("it has no final status");
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if headers.contains_key(CONTENT_LENGTH) || codings.next().is_some() {
            return Err("it states its length twice");
        }
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err("its transfer encoding is not `chunked`");
        }
    }
    if body.size_hint().exact().is_some_and(|length| length > MAX_BODY as u64) {
        return Err(BODY_TOO_LARGE);
    }
    Ok(())
}

/// Converts an error of hyper.
fn failed(request: &Request, traffic: &Traffic, error: &hyper::Error) -> Error {
    if is_cut_off(error) {
        return cut_off(request, traffic);
    }
    if error.is_parse_too_large() {
        return malformed(request, HEAD_TOO_LARGE);
    }
    if error.is_parse() {
        return malformed(request, &format!("it is not HTTP: {error}"));
    }
    match io_error(error) {
        Some(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
            malformed(request, &body_failure(error))
        }
        Some(error) => Error::failed(ErrorKind::Reply, "request", request.route(), cause(error)),
        None => Error::failed(ErrorKind::Reply, "request", request.route(), error),
    }
}

/// Describes an error in a chunked body. hyper reports an exceeded limit only by its text, and without the number.
fn body_failure(error: &io::Error) -> String {
    match error.to_string().as_str() {
        "chunk extensions over limit" => EXTENSIONS_TOO_LARGE.to_owned(),
        "chunk trailers bytes over limit" | "chunk trailers count overflow" => TRAILERS_TOO_LARGE.to_owned(),
        other => format!("its body is not HTTP: {other}"),
    }
}

/// Returns `true` if the connection ended before the response did.
pub(super) fn is_cut_off(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || io_error(error).is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

fn cut_off(request: &Request, traffic: &Traffic) -> Error {
    let (kind, why) = if traffic.has_received() {
        (ErrorKind::Reply, "the response is cut off")
    } else if traffic.is_request_unread() {
        // The endpoint never had the whole request, and has done nothing with it.
        (ErrorKind::Unreachable, "the endpoint ended before it had read the request")
    } else {
        (ErrorKind::Reply, "the endpoint closed the connection without a response")
    };
    Error::failed(kind, "request", request.route(), why)
}

/// Returns the error for a response that cannot be understood.
pub(super) fn malformed(request: &Request, why: &str) -> Error {
    Error::failed(ErrorKind::Reply, "parse the response to", request.route(), super::error::quoted(why))
}

/// Returns the error for a call that took longer than it may.
pub(super) fn timed_out(target: &Target, request: &Request) -> Error {
    let why = format!("no response within {:?}", target.timeout);
    Error::failed(ErrorKind::Timeout, "request", request.route(), why)
}

#[cfg(test)]
pub(super) mod tests;
