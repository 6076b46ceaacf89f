//! One GET request on a connection of its own, of which the status counts.

use super::hyper_io::HyperIo;
use super::name_lookups::NameLookups;
use super::probe_failure::ProbeFailure;
use crate::bot::{HttpServer, HttpUrl};
use crate::error::cause;
use daemonize_sys::escape::escape_bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// The most bytes of the head of an answer.
const MAX_HEAD: usize = 16 * 1024;

/// The most lines of it.
const MAX_HEADERS: usize = 100;

/// The bytes of the body of an answer after which no more is read.
const MAX_BODY: usize = 16 * 1024;

/// The most bytes of the body of an answer that are kept for the reason.
const MAX_TEXT: usize = 200;

/// Makes a GET request. Any status from 200 to 399 is a success.
pub(super) async fn get(url: &HttpUrl, lookups: &NameLookups) -> Result<(), ProbeFailure> {
    match url.server() {
        HttpServer::Addresses(addresses) => exchange(connect(addresses).await?, url).await,
        HttpServer::Name(name, port) => {
            let addresses = lookups.addresses(name, *port).await?;
            exchange(connect(&addresses).await?, url).await
        }
        HttpServer::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(|error| ProbeFailure::of(&error))?;
            exchange(stream, url).await
        }
    }
}

/// Connects to the first address that accepts.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, ProbeFailure> {
    let mut failure = ProbeFailure::OfBot("its name has no address".into());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = ProbeFailure::of(&error),
        }
    }
    Err(failure)
}

/// Sends the request, and reads the answer.
async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin, url: &HttpUrl) -> Result<(), ProbeFailure> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let (mut sender, connection) = builder.handshake(HyperIo(stream)).await.map_err(|error| told(&error))?;
    let request = Request::get(url.target())
        .header(HOST, url.host())
        .header(USER_AGENT, concat!("daemonctl/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| ProbeFailure::OfBot(error.to_string()))?;
    let answer = pin!(async {
        let response = sender.send_request(request).await.map_err(|error| told(&error))?;
        judge(response).await
    });
    driven(connection, answer).await
}

/// Waits for an answer, and drives the connection on which it comes.
async fn driven<T>(connection: impl Future, answer: impl Future<Output = T>) -> T {
    let (mut connection, mut answer) = (pin!(connection), pin!(answer));
    let mut is_over = false;
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if !is_over && connection.as_mut().poll(context).is_ready() {
            is_over = true;
            // It has left its end with the answer.
            return answer.as_mut().poll(context);
        }
        Poll::Pending
    })
    .await
}

/// Reads the body up to a limit, so that the bot is not cut short, and returns whether the status is a success.
async fn judge(mut response: Response<Incoming>) -> Result<(), ProbeFailure> {
    let status = response.status().as_u16();
    let (mut length, mut text) = (0, Vec::new());
    while length < MAX_BODY {
        let Some(frame) = response.frame().await else { break };
        let Ok(frame) = frame else { break };
        if let Some(data) = frame.data_ref() {
            length += data.len();
            let room = MAX_TEXT - text.len();
            text.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    if (200..400).contains(&status) {
        return Ok(());
    }
    let line = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    let line = line.map(|line| format!(": `{}`", escape_bytes(line))).unwrap_or_default();
    Err(ProbeFailure::OfBot(format!("status {status}{line}")))
}

/// Returns why there is no answer.
fn told(error: &hyper::Error) -> ProbeFailure {
    ProbeFailure::OfBot(match () {
        () if error.is_incomplete_message() => "closed the connection before its answer was whole".to_owned(),
        () if error.is_parse_too_large() => {
            format!("the head of its answer is longer than {MAX_HEAD} bytes or {MAX_HEADERS} lines")
        }
        () if error.is_parse() => "its answer is not HTTP".to_owned(),
        () => {
            let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
            source.map_or_else(|| error.to_string(), cause)
        }
    })
}
