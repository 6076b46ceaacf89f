//! One connection: requests one after another, each read, answered and written in bounded time.

use super::Crowd;
use super::reader::{Asked, Progress, Reader};
use super::writer::Writer;
use crate::access::Peer;
use crate::events::Heard;
use crate::refusal::Refusal;
use crate::routes::{Answered, Content, Service};
use axum::http::{Method, StatusCode};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// How long a request may take from its first byte to its last, and the first one from the connection on.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a connection may wait for its next request.
const IDLE: Duration = Duration::from_secs(30);
/// How long it may take from the connection to the first byte of its first request, when there is a crowd: whoever has just
/// come is about to ask.
const ARRIVAL: Duration = Duration::from_secs(1);
/// How long whoever was refused may take to read why.
const LINGER: Duration = Duration::from_millis(500);
/// How often a stream of events says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How much is read at once.
const CHUNK: usize = 2 * 1024;

const TOO_SLOW: Refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took longer than 5 s");

/// How reading ended.
enum Read {
    Request(Box<Asked>),
    Refusal(Refusal),
    /// There is nobody, or nothing more to do for somebody.
    Over,
}

/// One connection.
pub(super) struct Connection<S> {
    stream: S,
    peer: Peer,
    reader: Reader,
    writer: Writer,
    end: watch::Receiver<bool>,
    crowd: Arc<Crowd>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(stream: S, peer: Peer, end: watch::Receiver<bool>, crowd: Arc<Crowd>) -> Connection<S> {
        Connection { stream, peer, reader: Reader::default(), writer: Writer::default(), end, crowd }
    }

    /// Serves it to its end, in its place.
    pub(super) async fn serve(mut self, service: Arc<Service>, _place: Option<OwnedSemaphorePermit>) {
        let mut is_first = true;
        loop {
            match self.read(is_first).await {
                Read::Request(asked) => {
                    let Asked { request, is_last } = *asked;
                    let method = request.method().clone();
                    let mut answered = service.answer(self.peer, request).await;
                    answered.is_last |= is_last;
                    if !self.send(&service, &method, answered).await.unwrap_or(false) {
                        return;
                    }
                }
                Read::Refusal(refusal) => {
                    let _ = self.send(&service, &Method::GET, service.refuse(refusal)).await;
                    self.linger().await;
                    return;
                }
                Read::Over => return,
            }
            self.reader.answered();
            is_first = false;
        }
    }

    /// Reads the next request.
    async fn read(&mut self, is_first: bool) -> Read {
        let now = Instant::now();
        let mut deadline = now + if is_first { REQUEST } else { IDLE };
        let stays = now + if is_first { ARRIVAL } else { Duration::ZERO };
        loop {
            match self.reader.look() {
                Progress::Request(asked) => return Read::Request(asked),
                Progress::Refusal(refusal) => return Read::Refusal(refusal),
                Progress::NeedMore => {}
            }
            let was_waiting = self.reader.is_between_requests();
            if was_waiting && *self.end.borrow() {
                return Read::Over;
            }
            match self.read_more(deadline, was_waiting.then_some(stays)).await {
                Ok(Some(0)) | Err(_) => return Read::Over,
                Ok(Some(_)) if was_waiting && !is_first => deadline = Instant::now() + REQUEST,
                Ok(Some(_)) => {}
                Ok(None) if was_waiting => return Read::Over,
                Ok(None) => return Read::Refusal(TOO_SLOW),
            }
        }
    }

    /// Reads some bytes; `None` when the time is over. Whoever only waits also leaves at the end, and in a crowd, the latter not
    /// before the given time.
    async fn read_more(&mut self, deadline: Instant, waits: Option<Instant>) -> io::Result<Option<usize>> {
        let buffer = self.reader.buffer();
        buffer.reserve(CHUNK);
        let read = timeout_at(deadline, self.stream.read_buf(buffer));
        let Some(stays) = waits else { return read.await.map_or(Ok(None), |read| read.map(Some)) };
        let crowded = async {
            if stays > Instant::now() {
                sleep_until(stays).await;
            }
            self.crowd.asks_to_leave().await;
        };
        tokio::select! {
            biased;
            read = read => read.map_or(Ok(None), |read| read.map(Some)),
            _ = self.end.changed() => Ok(None),
            () = crowded => Ok(None),
        }
    }

    /// Sends an answer; whether another request may follow.
    async fn send(&mut self, service: &Service, method: &Method, answered: Answered) -> io::Result<bool> {
        let Answered { content, is_last, stops } = answered;
        let is_last = is_last || self.crowd.is_there() || *self.end.borrow();
        let sent = match content {
            Content::Response(response) => {
                self.writer.send(&mut self.stream, *method == Method::HEAD, response, is_last).await
            }
            Content::Events(heard) => self.stream_events(service.state(), heard).await,
        };
        // Whether it arrived or not: it was asked for.
        if let Some(daemon) = stops {
            daemon.stop();
        }
        sent.map(|goes_on| goes_on && !is_last)
    }

    /// Tells what is published, until the reader goes or the daemon ends.
    async fn stream_events(&mut self, state: &str, mut heard: Heard) -> io::Result<bool> {
        let first = format!("event: state\ndata: {{\"state\":\"{state}\"}}\n\n");
        let Connection { stream, writer, end, .. } = self;
        writer.begin_events(stream, first.as_bytes()).await?;
        let mut rest = [0; 256];
        loop {
            tokio::select! {
                biased;
                message = heard.next() => match message {
                    Some(message) => writer.chunk(stream, &message).await?,
                    None => break,
                },
                // Said once: a change is the end.
                _ = end.changed() => break,
                // Nothing is to come from there but the end.
                read = stream.read(&mut rest) => if !matches!(read, Ok(1..)) { return Ok(false) },
                () = sleep(HEARTBEAT) => writer.chunk(stream, b":\n\n").await?,
            }
        }
        writer.chunk(stream, b"").await?;
        Ok(false)
    }

    /// Reads what was sent before the refusal came: closing at once would take the refusal back (`RST`).
    async fn linger(&mut self) {
        let _ = self.stream.shutdown().await;
        let mut rest = [0; 1024];
        let drain = async { while matches!(self.stream.read(&mut rest).await, Ok(1..)) {} };
        let _ = timeout(LINGER, drain).await;
    }
}
