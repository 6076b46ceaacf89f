//! Serves the requests of one connection with hyper. Each is received and answered in bounded time.

use super::connection::{Connection, Io};
use super::peer_closed;
use super::reply::ReplyBody;
use super::shutdown::Shutdown;
use super::socket::PeerSocket;
use super::wire::TOO_SLOW;
use crate::events::{SlowRequest, SlowRequestPermit};
use crate::refusal::Refusal;
use crate::routes::{PendingReply, Reply, ReplyFuture};
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected};
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
/// Time that a refused peer has to read the refusal.
const LINGER_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum size of hyper's buffers in bytes; a response that is a single piece may exceed it.
const BUFFER_LIMIT: usize = 64 * 1024;

const TOO_MANY_REQUESTS: Refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many slow requests");
const SHUTTING_DOWN: Refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is shutting down");

/// The reason why a request is not answered by a route.
enum Unanswered {
    Refused(Refusal),
    /// The peer has closed the connection, or sends no more of the request.
    Closed,
}

impl From<Refusal> for Unanswered {
    fn from(refusal: Refusal) -> Unanswered {
        Unanswered::Refused(refusal)
    }
}

/// Serves the connection until it ends, and then releases its permit.
pub(super) async fn serve<S: PeerSocket>(connection: Connection<S>, _permit: Option<OwnedSemaphorePermit>) {
    let connection = Arc::new(connection);
    let service = service_fn(|request| Arc::clone(&connection).respond(request));
    // A client that has shut down its sending side still reads the response.
    let served = Builder::new()
        .half_close(true)
        .max_buf_size(BUFFER_LIMIT)
        .serve_connection(Io(Arc::clone(&connection)), service)
        .await;
    if served.is_ok() && connection.wire().refusal().is_some() {
        // Closing a TCP socket with unread bytes sends a reset (RFC 9293, section 3.6.1), at which the peer may drop the refusal.
        let _ = timeout(LINGER_TIMEOUT, poll_fn(|context| connection.wire().poll_drained(context))).await;
    }
}

impl<S: PeerSocket> Connection<S> {
    /// Answers one request; an error closes the connection without a response.
    ///
    /// hyper moves this future, so it is kept small: futures that most requests do not need are boxed.
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Response<ReplyBody<S>>> {
        let service = &self.shared.service;
        let (head, body) = request.into_parts();
        let reply = match self.admit(&head, body).await {
            Ok((body, permit)) => match service.respond(self.peer, head, body, permit) {
                PendingReply::Ready(reply) => Ok(reply),
                PendingReply::Later(reply) => self.wait_for(reply).await,
            },
            Err(unanswered) => Err(unanswered),
        };
        let mut reply = match reply {
            Ok(reply) => reply,
            Err(Unanswered::Refused(refusal)) => service.refuse(refusal),
            Err(Unanswered::Closed) => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        reply.is_last |=
            self.shared.limits.backpressure.is_crowded() || Shutdown::Draining.is_reached(&self.shared.shutdown);
        Ok(ReplyBody::response(self, reply))
    }

    /// Receives the body of a request, checks the access rules, and waits for a permit if the request may be slow.
    async fn admit(&self, head: &Parts, body: Incoming) -> Result<(Bytes, SlowRequestPermit), Unanswered> {
        let refusal = self.wire().refusal();
        if let Some(refusal) = refusal {
            return Err(refusal.into());
        }
        let body = if body.is_end_stream() { Bytes::new() } else { Box::pin(self.receive(body)).await? };
        self.shared.service.rules.check_request(self.peer, head, body.is_empty())?;
        if !self.shared.service.may_be_slow(head) {
            return Ok((body, None));
        }
        let permit = match Arc::clone(&self.shared.limits.slow_request_permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => Box::pin(self.wait_for_permit()).await?,
        };
        // A look at the state of the daemon is not work.
        let work = (head.uri.path() != "/metrics").then(|| self.shared.service.daemon.begin_request());
        Ok((body, Some(SlowRequest::new(permit, work))))
    }

    /// Receives the body of a request, which is refused if the body does not arrive in time.
    async fn receive(&self, body: Incoming) -> Result<Bytes, Unanswered> {
        let deadline = self.wire().request_deadline();
        let Ok(body) = timeout_at(deadline, body.collect()).await else {
            self.wire().refuse_request(TOO_SLOW);
            return Err(TOO_SLOW.into());
        };
        body.map(Collected::to_bytes).map_err(|_| Unanswered::Closed)
    }

    /// Waits for a reply, unless the server shuts down or the peer closes the connection first.
    async fn wait_for(&self, mut reply: ReplyFuture<'_>) -> Result<Reply, Unanswered> {
        if let Poll::Ready(reply) = poll_fn(|context| Poll::Ready(reply.as_mut().poll(context))).await {
            return Ok(reply);
        }
        Box::pin(async move {
            tokio::select! {
                biased;
                reply = reply => Ok(reply),
                () = Shutdown::Refusing.reached(self.shared.shutdown.clone()) => Err(SHUTTING_DOWN.into()),
                // An event handler continues and keeps the permit until it returns: no more handlers run than there are permits.
                () = self.peer_closed() => Err(Unanswered::Closed),
            }
        })
        .await
    }

    /// Waits up to [`PERMIT_TIMEOUT`] for the permit of a slow request, unless the connection is asked to close for another one.
    async fn wait_for_permit(&self) -> Result<OwnedSemaphorePermit, Unanswered> {
        let permit = tokio::select! {
            biased;
            permit = timeout(PERMIT_TIMEOUT, Arc::clone(&self.shared.limits.slow_request_permits).acquire_owned()) => {
                permit.ok().and_then(Result::ok)
            }
            () = Shutdown::Refusing.reached(self.shared.shutdown.clone()) => None,
            () = self.idle.evicted() => None,
        };
        self.idle.set_busy();
        // A client that has left does not learn the result, and may have sent the request again: do not run it.
        if peer_closed::is_closed(&self.wire().socket) {
            return Err(Unanswered::Closed);
        }
        permit.ok_or(Unanswered::Refused(TOO_MANY_REQUESTS))
    }
}
