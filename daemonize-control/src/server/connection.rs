//! One connection: requests one after another, each read, answered and written in bounded time.

use super::deadline::Deadline;
use super::door::{Crowd, Stream};
use super::reader::{Asked, Progress, Reader};
use super::writer::Writer;
use super::{End, glance};
use crate::access::Peer;
use crate::events::Heard;
use crate::refusal::Refusal;
use crate::routes::{Answered, Content, Service};
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long a request may take from its first byte to its last, and the first one from the connection on.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a connection may wait for its next request.
const IDLE: Duration = Duration::from_secs(30);
/// How long it may take from the connection to the first byte of its first request, when there is a crowd: whoever has just
/// come is about to ask.
const ARRIVAL: Duration = Duration::from_secs(1);
/// How long a request that may take long waits for its turn, when there are many of them.
const TURN: Duration = Duration::from_secs(2);
/// How long whoever was refused may take to read why.
const LINGER: Duration = Duration::from_millis(500);
/// How often a stream of events says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How much is read at once.
const CHUNK: usize = 2 * 1024;

const TOO_SLOW: Refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took longer than 5 s");
const TOO_MANY: Refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests that take long");
const TOO_LATE: Refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon ends");

/// How reading ended.
enum Read {
    Request(Box<Asked>),
    Refusal(Refusal),
    /// There is nobody, or nothing more to do for somebody.
    Over,
}

/// Outcome of the wait for leave to take long.
enum Turn {
    Come(OwnedSemaphorePermit),
    Refused,
    /// The client has left.
    Gone,
}

/// One connection.
pub(super) struct Connection<S> {
    stream: S,
    peer: Peer,
    reader: Reader,
    writer: Writer,
    /// Of what is read now.
    deadline: Deadline,
    end: watch::Receiver<End>,
    crowd: Arc<Crowd>,
    /// Places for what takes long.
    long: Arc<Semaphore>,
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(
        stream: S,
        peer: Peer,
        end: watch::Receiver<End>,
        crowd: Arc<Crowd>,
        long: Arc<Semaphore>,
    ) -> Connection<S> {
        let deadline = Deadline::new(Instant::now() + REQUEST);
        Connection { stream, peer, reader: Reader::default(), writer: Writer::default(), deadline, end, crowd, long }
    }

    /// Serves it to its end, in its place.
    pub(super) async fn serve(mut self, service: Arc<Service>, _place: Option<OwnedSemaphorePermit>) {
        let mut is_first = true;
        loop {
            match self.read(is_first).await {
                Read::Request(asked) => {
                    let Asked { request, is_last } = *asked;
                    let method = request.method().clone();
                    let Some(mut answered) = self.answer(&service, request).await else { return };
                    answered.is_last |= is_last;
                    if !self.send(&service, &method, answered).await.unwrap_or(false) {
                        return;
                    }
                }
                Read::Refusal(refusal) => return self.refuse(&service, refusal).await,
                Read::Over => return,
            }
            self.reader.answered();
            is_first = false;
        }
    }

    /// Says only why it is not served.
    pub(super) async fn turn_away(mut self, service: Arc<Service>, refusal: Refusal, _place: OwnedSemaphorePermit) {
        self.refuse(&service, refusal).await;
    }

    /// The last that is said, whatever has been heard.
    async fn refuse(&mut self, service: &Service, refusal: Refusal) {
        let _ = self.send(service, &Method::GET, service.refuse(refusal)).await;
        self.linger().await;
    }

    /// Answers a request, with leave to take long where it needs that; nothing where there is nobody any more who waits for
    /// the answer.
    async fn answer(&self, service: &Service, request: Request<Bytes>) -> Option<Answered> {
        if let Err(refusal) = service.judge(self.peer, &request) {
            return Some(service.refuse(refusal));
        }
        let mut leave = None;
        if service.may_take_long(&request) {
            match self.leave().await {
                Turn::Come(permit) => leave = Some(permit),
                Turn::Refused => return Some(service.refuse(TOO_MANY)),
                Turn::Gone => return None,
            }
        }
        tokio::select! {
            biased;
            answered = service.answer(self.peer, request, leave) => Some(answered),
            () = self.comes(End::Now) => Some(service.refuse(TOO_LATE)),
            // A handler of its event goes on, and has its leave until it has ended: not more of them can be at work than that.
            () = glance::gone(&self.stream) => None,
        }
    }

    /// Waits for leave to take long, which another request gives back when it is done; not if that takes longer than `TURN`, or if
    /// another connection needs this place.
    async fn leave(&self) -> Turn {
        if let Ok(permit) = Arc::clone(&self.long).try_acquire_owned() {
            return Turn::Come(permit);
        }
        let turn = tokio::select! {
            biased;
            permit = timeout(TURN, Arc::clone(&self.long).acquire_owned()) => match permit {
                Ok(Ok(permit)) => Turn::Come(permit),
                _ => Turn::Refused,
            },
            () = self.comes(End::Now) => Turn::Refused,
            () = self.crowd.asks_to_leave() => Turn::Refused,
        };
        // A client that has left would not hear what became of its request, and may have sent it again.
        if glance::has_left(&self.stream) { Turn::Gone } else { turn }
    }

    async fn comes(&self, end: End) {
        end.comes(&mut self.end.clone()).await;
    }

    /// Reads the next request.
    async fn read(&mut self, is_first: bool) -> Read {
        let now = Instant::now();
        self.deadline.set(now + if is_first { REQUEST } else { IDLE });
        let stays = now + if is_first { ARRIVAL } else { Duration::ZERO };
        let mut is_idle = !is_first;
        loop {
            match self.reader.look() {
                Progress::Request(asked) => return Read::Request(asked),
                Progress::Refusal(refusal) => return Read::Refusal(refusal),
                Progress::NeedMore => {}
            }
            let was_waiting = self.reader.is_between_requests();
            let is_ending = End::Soon.has_come(&self.end);
            if was_waiting && is_ending && !glance::has_something(&self.stream) {
                return Read::Over;
            }
            if !was_waiting && std::mem::take(&mut is_idle) {
                self.deadline.set(Instant::now() + REQUEST);
            }
            match self.read_more((was_waiting && !is_ending).then_some(stays)).await {
                Ok(Some(0)) | Err(_) => return Read::Over,
                Ok(Some(_)) => {}
                // Whoever has asked by now is heard.
                Ok(None) if was_waiting && glance::has_something(&self.stream) => {
                    self.deadline.set(Instant::now() + REQUEST);
                }
                Ok(None) if was_waiting => return Read::Over,
                Ok(None) => return Read::Refusal(TOO_SLOW),
            }
        }
    }

    /// Reads some bytes; `None` when the time is over. Whoever only waits also leaves at the end, and in a crowd, the latter not
    /// before the given time.
    async fn read_more(&mut self, waits: Option<Instant>) -> io::Result<Option<usize>> {
        let Connection { stream, reader, deadline, end, crowd, .. } = self;
        let buffer = reader.buffer();
        buffer.reserve(CHUNK);
        let crowded = async {
            if let Some(stays) = waits.filter(|stays| *stays > Instant::now()) {
                sleep_until(stays).await;
            }
            crowd.asks_to_leave().await;
        };
        tokio::select! {
            biased;
            read = stream.read_buf(buffer) => read.map(Some),
            () = deadline.is_over() => Ok(None),
            () = End::Soon.comes(end), if waits.is_some() => Ok(None),
            () = crowded, if waits.is_some() => Ok(None),
        }
    }

    /// Sends an answer; whether another request may follow.
    async fn send(&mut self, service: &Service, method: &Method, answered: Answered) -> io::Result<bool> {
        let Answered { content, is_last, stops, leave: _leave } = answered;
        let is_last = is_last || self.crowd.is_there() || End::Soon.has_come(&self.end);
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
                () = End::Soon.comes(end) => break,
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
