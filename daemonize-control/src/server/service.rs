//! Serves the requests of one connection with hyper; each is received and answered in bounded time.

use super::connection::{Connection, Io};
use super::peer_closed;
use super::reply::ReplyBody;
use super::shared::Shutdown;
use super::socket::Socket;
use super::wire::TOO_SLOW;
use crate::refusal::Refusal;
use crate::routes::Answered;
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
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

/// Result of the wait for a slow request's permit.
enum Permission {
    Granted(OwnedSemaphorePermit),
    Refused,
    PeerClosed,
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
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Response<ReplyBody<S>>> {
        let service = &self.shared.service;
        let refusal = self.wire().refusal();
        let answered = if let Some(refusal) = refusal {
            service.refuse(refusal)
        } else {
            let (parts, body) = request.into_parts();
            let body = if body.is_end_stream() { Some(Bytes::new()) } else { self.receive(body).await? };
            match body {
                Some(body) => self.answer(Request::from_parts(parts, body)).await?,
                None => service.refuse(TOO_SLOW),
            }
        };
        let is_last = answered.is_last
            || self.shared.backpressure.is_crowded()
            || Shutdown::Draining.is_reached(&self.shared.shutdown);
        Ok(ReplyBody::response(self, Answered { is_last, ..answered }))
    }

    /// Receives the body of a request; `None` if it does not come in time.
    async fn receive(&self, body: Incoming) -> io::Result<Option<Bytes>> {
        let deadline = self.wire().request_deadline();
        match timeout_at(deadline, body.collect()).await {
            Ok(Ok(body)) => Ok(Some(body.to_bytes())),
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => {
                self.wire().refuse_request(TOO_SLOW);
                Ok(None)
            }
        }
    }

    /// Answers a received request, with a permit if it may be slow.
    async fn answer(self: &Arc<Self>, request: Request<Bytes>) -> io::Result<Answered> {
        let service = &self.shared.service;
        if let Err(refusal) = service.judge(self.peer, &request) {
            return Ok(service.refuse(refusal));
        }
        let mut permit = None;
        if service.may_take_long(&request) {
            match self.permission().await {
                Permission::Granted(granted) => permit = Some(granted),
                Permission::Refused => return Ok(service.refuse(TOO_MANY)),
                Permission::PeerClosed => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
        // Boxed, since hyper moves the future of each request, and that of a route is large.
        let answer = Box::pin(service.answer(self.peer, request, permit));
        tokio::select! {
            biased;
            answered = answer => Ok(answered),
            () = Shutdown::Refusing.reached(self.shared.shutdown.clone()) => Ok(service.refuse(TOO_LATE)),
            // A handler of the event goes on, and keeps the permit to its end: no more handlers run than there are permits.
            () = Arc::clone(self).peer_closed() => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Waits up to [`PERMIT_TIMEOUT`] for the permit of another slow request, unless another connection needs this place.
    async fn permission(&self) -> Permission {
        let permits = &self.shared.slow_permits;
        if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
            return Permission::Granted(permit);
        }
        let permission = tokio::select! {
            biased;
            permit = timeout(PERMIT_TIMEOUT, Arc::clone(permits).acquire_owned()) => match permit {
                Ok(Ok(permit)) => Permission::Granted(permit),
                _ => Permission::Refused,
            },
            () = Shutdown::Refusing.reached(self.shared.shutdown.clone()) => Permission::Refused,
            () = self.idle.evicted() => Permission::Refused,
        };
        self.idle.set_busy();
        // A client that has left does not hear what became of its request, and may have sent it again.
        if peer_closed::is_closed(&self.wire().socket) { Permission::PeerClosed } else { permission }
    }
}
