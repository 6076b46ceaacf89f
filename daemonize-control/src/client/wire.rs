//! HTTP/1.1 as a client speaks it: pure functions over bytes, so that blocking and async clients say the same.

use super::error::{Error, ErrorKind, Result};
use super::trust::Secret;
use daemonize_sys::escape::escape;
use serde_json::Value;

/// The most bytes that the body of a reply may have.
const MAX_BODY: usize = 16 << 20;

/// The most bytes that the head of a reply may have.
const MAX_HEAD: usize = 16 << 10;

/// The most bytes that the size of a chunk and its extensions may have.
const MAX_CHUNK_HEAD: usize = 64;

const BODY_TOO_LARGE: Malformed = Malformed("it is larger than 16 MiB, the limit of a reply");

/// One request, wherever it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    route: String,
    body: Option<Vec<u8>>,
    streams: bool,
}

impl Request {
    /// `GET`, and the whole reply.
    pub(crate) fn get(route: &str) -> Result<Request> {
        Ok(Request { method: "GET", route: check(route)?, body: None, streams: false })
    }

    /// `POST` with a JSON body.
    pub(crate) fn post(route: &str, body: &Value) -> Result<Request> {
        let body = Some(body.to_string().into_bytes());
        Ok(Request { method: "POST", route: check(route)?, body, streams: false })
    }

    /// `GET` of a stream of server-sent events.
    pub(crate) fn stream(route: &str) -> Result<Request> {
        Ok(Request { streams: true, ..Request::get(route)? })
    }

    /// The route, as it is told in errors.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// The bytes for one connection.
    pub(crate) fn bytes(&self, host: &str, token: Option<&Secret>) -> Vec<u8> {
        let accept = if self.streams { "text/event-stream" } else { "application/json, */*;q=0.5" };
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n", self.method, self.route);
        if let Some(token) = token {
            text.extend(["Authorization: Bearer ", token.reveal(), "\r\n"]);
        }
        if let Some(body) = &self.body {
            text.extend(["Content-Type: application/json\r\nContent-Length: ", &body.len().to_string(), "\r\n"]);
        }
        text.push_str("Connection: close\r\n\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// With one slash in front, and nothing in it that would end the line.
fn check(route: &str) -> Result<String> {
    let route = format!("/{}", route.trim_start_matches('/'));
    if route.bytes().all(|byte| byte.is_ascii_graphic()) && !route.contains('#') {
        return Ok(route);
    }
    let why = "a route is printable ASCII without spaces and `#`; encode the others as `%20`";
    Err(Error::failed(ErrorKind::Request, "ask for", escape(&route), why))
}

/// Why bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The head of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) is_json: bool,
    framing: Framing,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    /// With the connection.
    Closing,
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// Reads a reply out of whatever pieces it comes in.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// What came and was not taken yet.
    pending: Vec<u8>,
    head: Option<Head>,
    /// What is left of the body, or of this chunk of it.
    left: usize,
    chunks: Chunks,
    ended: bool,
}

/// What comes next in a chunked body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chunks {
    #[default]
    Size,
    Data,
    LineEnd,
    Trailer,
}

impl Reader {
    /// Takes more bytes; what they add to the body is put at the end of `body`.
    pub(crate) fn push(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<(), Malformed> {
        self.pending.extend_from_slice(bytes);
        if self.head.is_none() {
            self.read_head()?;
        }
        let Some(framing) = self.head.as_ref().map(|head| head.framing) else { return Ok(()) };
        match framing {
            Framing::Length(_) => {
                self.take(body);
                self.ended = self.left == 0;
            }
            Framing::Closing => {
                self.left = usize::MAX;
                self.take(body);
            }
            Framing::Chunked => while !self.ended && self.take_chunked(body)? {},
        }
        Ok(())
    }

    /// The connection has ended; whether the reply was whole then.
    pub(crate) fn close(&mut self) -> bool {
        self.ended = self.ended || self.head.as_ref().is_some_and(|head| head.framing == Framing::Closing);
        self.ended
    }

    /// The head, once it has come.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether all of it has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended
    }

    /// Whether nothing at all has come.
    pub(crate) fn is_untouched(&self) -> bool {
        self.head.is_none() && self.pending.is_empty()
    }

    fn read_head(&mut self) -> Result<(), Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(&self.pending) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if self.pending.len() <= MAX_HEAD => return Ok(()),
            Ok(httparse::Status::Partial) => {
                return Err(Malformed("its head is larger than 16 KiB, the limit of a head"));
            }
            Err(_) => return Err(Malformed("it is no HTTP")),
        };
        let head = head(&response)?;
        if let Framing::Length(length) = head.framing {
            self.left = length;
        }
        self.head = Some(head);
        self.pending.drain(..length);
        Ok(())
    }

    /// Moves what may be moved to the body; whether there was something.
    fn take(&mut self, body: &mut Vec<u8>) -> bool {
        let length = self.left.min(self.pending.len());
        body.extend_from_slice(&self.pending[..length]);
        self.pending.drain(..length);
        self.left -= length;
        length > 0
    }

    /// One step through the chunks; whether there may be another.
    fn take_chunked(&mut self, body: &mut Vec<u8>) -> Result<bool, Malformed> {
        match self.chunks {
            Chunks::Size => {
                let (length, size) = match httparse::parse_chunk_size(&self.pending) {
                    Ok(httparse::Status::Complete(found)) => found,
                    Ok(httparse::Status::Partial) if self.pending.len() < MAX_CHUNK_HEAD => return Ok(false),
                    _ => return Err(Malformed("a chunk has no size")),
                };
                self.pending.drain(..length);
                self.left = usize::try_from(size).unwrap_or(usize::MAX);
                self.chunks = if size == 0 { Chunks::Trailer } else { Chunks::Data };
                Ok(true)
            }
            Chunks::Data => {
                let taken = self.take(body);
                if self.left == 0 {
                    self.chunks = Chunks::LineEnd;
                }
                Ok(taken)
            }
            Chunks::LineEnd | Chunks::Trailer => {
                if self.pending.len() < 2 {
                    return Ok(false);
                }
                if !self.pending.starts_with(b"\r\n") {
                    return Err(Malformed("a chunk does not end where it says"));
                }
                self.pending.drain(..2);
                self.ended = self.chunks == Chunks::Trailer;
                self.chunks = Chunks::Size;
                Ok(true)
            }
        }
    }
}

fn head(response: &httparse::Response<'_, '_>) -> Result<Head, Malformed> {
    let status = response.code.filter(|status| (200..600).contains(status)).ok_or(Malformed("it has no status"))?;
    let header = |name: &str| {
        let mut found = response.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| String::from_utf8_lossy(header.value).trim().to_ascii_lowercase())
    };
    let framing = match (header("transfer-encoding"), header("content-length")) {
        _ if matches!(status, 204 | 304) => Framing::Length(0),
        (Some(coding), None) if coding == "chunked" => Framing::Chunked,
        (None, Some(length)) => match length.parse() {
            Ok(length) if length <= MAX_BODY => Framing::Length(length),
            _ => return Err(BODY_TOO_LARGE),
        },
        (None, None) => Framing::Closing,
        _ => return Err(Malformed("it says twice how long it is")),
    };
    let is_json = header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    Ok(Head { status, is_json, framing })
}

/// Reads one whole reply.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) reader: Reader,
    body: Vec<u8>,
}

impl Whole {
    /// Takes more bytes; the reply once it is whole.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Malformed> {
        self.reader.push(bytes, &mut self.body)?;
        if self.body.len() > MAX_BODY {
            return Err(BODY_TOO_LARGE);
        }
        Ok(self.reader.is_whole().then(|| self.reply()).flatten())
    }

    /// The connection has ended; the reply if it was whole then.
    pub(crate) fn close(&mut self) -> Option<Reply> {
        self.reader.close().then(|| self.reply()).flatten()
    }

    fn reply(&mut self) -> Option<Reply> {
        Some(Reply { head: self.reader.head.clone()?, body: std::mem::take(&mut self.body) })
    }
}

#[cfg(test)]
#[path = "wire/tests.rs"]
mod tests;
