//! Serves the requests of one connection with hyper; each is received and answered in bounded time.

use super::connection::{Connection, Io};
use super::peer_closed;
use super::reply::ReplyBody;
use super::shared::Shutdown;
use super::socket::Socket;
use super::wire::TOO_SLOW;
use crate::events::SlowRequestPermit;
use crate::refusal::Refusal;
use crate::routes::{Answer, Answered, LaterAnswer};
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{timeout, timeout_at};

/// Maximum time that a slow request waits for its permit.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time that a refused peer has to read why.
const LINGER: Duration = Duration::from_millis(500);
/// Maximum size of hyper's buffers in bytes; one reply that is a single piece may exceed it.
const BUFFER_LIMIT: usize = 64 * 1024;

const TOO_MANY: Refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests that take long");
const TOO_LATE: Refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon ends");

/// Why a request has no answer of its own.
enum Unanswered {
    Refused(Refusal),
    /// The peer has left, or sends no more of it.
    Closed,
}

impl From<Refusal> for Unanswered {
    fn from(refusal: Refusal) -> Unanswered {
        Unanswered::Refused(refusal)
    }
}

/// Serves the connection to its end, and returns its permit then.
pub(super) async fn serve<S: Socket>(connection: Connection<S>, _permit: Option<OwnedSemaphorePermit>) {
    let connection = Arc::new(connection);
    let service = service_fn(|request| Arc::clone(&connection).respond(request));
    // A client that has shut down its side still reads the reply.
    let served = Builder::new()
        .half_close(true)
        .max_buf_size(BUFFER_LIMIT)
        .serve_connection(Io(Arc::clone(&connection)), service)
        .await;
    if served.is_ok() && connection.wire().refusal().is_some() {
        // Closing before everything is read that was sent would take the refusal back (RST).
        let _ = timeout(LINGER, poll_fn(|context| connection.wire().poll_drained(context))).await;
    }
}

impl<S: Socket> Connection<S> {
    /// Answers one request; an error closes the connection without a reply.
    ///
    /// hyper moves this future, so that it is kept small: what most requests do not need is boxed.
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Response<ReplyBody<S>>> {
        let service = &self.shared.service;
        let (head, body) = request.into_parts();
        let answered = match self.admit(&head, body).await {
            Ok((body, permit)) => match service.answer(self.peer, head, body, permit) {
                Answer::Now(answered) => Ok(answered),
                Answer::Later(answer) => self.wait_for(answer).await,
            },
            Err(unanswered) => Err(unanswered),
        };
        let mut answered = match answered {
            Ok(answered) => answered,
            Err(Unanswered::Refused(refusal)) => service.refuse(refusal),
            Err(Unanswered::Closed) => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        answered.is_last |=
            self.shared.backpressure.is_crowded() || Shutdown::Draining.is_reached(&self.shared.shutdown);
        Ok(ReplyBody::response(self, answered))
    }

    /// Receives the body of a request, checks that the request may be made, and waits for a permit if it may be slow.
    async fn admit(&self, head: &Parts, body: Incoming) -> Result<(Bytes, SlowRequestPermit), Unanswered> {
        let refusal = self.wire().refusal();
        if let Some(refusal) = refusal {
            return Err(refusal.into());
        }
        let body = if body.is_end_stream() { Bytes::new() } else { Box::pin(self.receive(body)).await? };
        self.shared.service.rules.judge(self.peer, head, body.is_empty())?;
        if !self.shared.service.may_take_long(head) {
            return Ok((body, None));
        }
        let permit = match Arc::clone(&self.shared.slow_permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => Box::pin(self.wait_for_permit()).await?,
        };
        Ok((body, Some(permit)))
    }

    /// Receives the body of a request, which is refused if it does not come in time.
    async fn receive(&self, body: Incoming) -> Result<Bytes, Unanswered> {
        let deadline = self.wire().request_deadline();
        let Ok(body) = timeout_at(deadline, body.collect()).await else {
            self.wire().refuse_request(TOO_SLOW);
            return Err(TOO_SLOW.into());
        };
        Ok(body.map_err(|_| Unanswered::Closed)?.to_bytes())
    }

    /// Waits for an answer, unless the server ends or the peer has left before.
    async fn wait_for(&self, mut answer: LaterAnswer<'_>) -> Result<Answered, Unanswered> {
        if let Poll::Ready(answered) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
            return Ok(answered);
        }
        Box::pin(async move {
            tokio::select! {
                biased;
                answered = answer => Ok(answered),
                () = Shutdown::Refusing.reached(self.shared.shutdown.clone()) => Err(TOO_LATE.into()),
                // A handler of the event goes on, and keeps the permit to its end: no more handlers run than there are permits.
                () = self.peer_closed() => Err(Unanswered::Closed),
            }
        })
        .await
    }

    /// Waits up to [`PERMIT_TIMEOUT`] for the permit of another slow request, unless another connection needs this place.
    async fn wait_for_permit(&self) -> Result<OwnedSemaphorePermit, Unanswered> {
        let permit = tokio::select! {
            biased;
            permit = timeout(PERMIT_TIMEOUT, Arc::clone(&self.shared.slow_permits).acquire_owned()) => {
                permit.ok().and_then(Result::ok)
            }
            () = Shutdown::Refusing.reached(self.shared.shutdown.clone()) => None,
            () = self.idle.evicted() => None,
        };
        self.idle.set_busy();
        // A client that has left does not hear what became of its request, and may have sent it again.
        if peer_closed::is_closed(&self.wire().socket) {
            return Err(Unanswered::Closed);
        }
        permit.ok_or(Unanswered::Refused(TOO_MANY))
    }
}
