//! Replies as hyper sends them: headers that every reply has, bodies that end when the peer has left, and streams of events.

use super::connection::Connection;
use super::shared::Shutdown;
use super::socket::Socket;
use super::wire::KeptUntilSent;
use crate::events::Heard;
use crate::routes::{Answered, Content};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Interval at which a stream without events sends a comment, so that a peer that has left is noticed.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// The body of a reply.
pub(super) struct ReplyBody<S: Socket> {
    body: Body,
    /// A peer of a stream sends nothing more: its half-close ends the stream.
    is_stream: bool,
    /// Observes the peer while the body waits for more.
    peer_closed: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    kept: Option<KeptUntilSent>,
    connection: Arc<Connection<S>>,
}

impl<S: Socket> ReplyBody<S> {
    /// Returns the response to an answered request.
    pub(super) fn response(connection: Arc<Connection<S>>, answered: Answered) -> Response<ReplyBody<S>> {
        let Answered { content, is_last, stops, permit } = answered;
        let is_stream = matches!(content, Content::Events(_));
        let mut response = match content {
            Content::Response(response) => response,
            Content::Events(heard) => {
                let shared = &connection.shared;
                let mut response = Response::new(Events::body(shared.service.state(), heard, shared.shutdown.clone()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
                response
            }
        };
        let headers = response.headers_mut();
        insert_default(headers, CACHE_CONTROL, HeaderValue::from_static("no-store"));
        insert_default(headers, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if is_last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let kept = (stops.is_some() || permit.is_some()).then_some(KeptUntilSent { stops, permit });
        response.map(|body| ReplyBody { body, is_stream, peer_closed: None, kept, connection })
    }

    /// Becomes ready when the peer has left, which it does not say to those who only write.
    fn poll_peer_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_stream {
            return self.connection.wire().poll_drained(context);
        }
        let closed = self.peer_closed.get_or_insert_with(|| {
            let connection = Arc::clone(&self.connection);
            Box::pin(async move { connection.peer_closed().await })
        });
        closed.as_mut().poll(context)
    }
}

impl<S: Socket> hyper::body::Body for ReplyBody<S> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        ready!(self.poll_peer_closed(context));
        Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<S: Socket> Drop for ReplyBody<S> {
    /// hyper drops a body when it is complete, just before the last of it is written.
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.connection.wire().keep_until_sent(kept);
        }
    }
}

fn insert_default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    // A comparison of few names costs less than a hash.
    if headers.keys().all(|other| *other != name) {
        headers.insert(name, value);
    }
}

/// Next message of a stream, and what the one after that comes from; `None` at the end.
type NextEvent = Pin<Box<dyn Future<Output = Option<(Bytes, Heard)>> + Send>>;

/// A stream of what is published, until the server ends.
struct Events {
    next: NextEvent,
    shutdown: watch::Receiver<Shutdown>,
}

impl Events {
    /// Returns the stream, which begins with the daemon's state.
    fn body(state: &str, heard: Heard, shutdown: watch::Receiver<Shutdown>) -> Body {
        let first = Bytes::from(format!("event: state\ndata: {{\"state\":\"{state}\"}}\n\n"));
        Body::new(Events { next: Box::pin(std::future::ready(Some((first, heard)))), shutdown })
    }
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some((message, heard)) = ready!(self.next.as_mut().poll(context)) else { return Poll::Ready(None) };
        self.next = Box::pin(next_event(heard, self.shutdown.clone()));
        Poll::Ready(Some(Ok(Frame::data(message))))
    }
}

async fn next_event(mut heard: Heard, shutdown: watch::Receiver<Shutdown>) -> Option<(Bytes, Heard)> {
    tokio::select! {
        biased;
        message = heard.next() => Some((message?, heard)),
        () = Shutdown::Draining.reached(shutdown) => None,
        () = sleep(HEARTBEAT_INTERVAL) => Some((Bytes::from_static(b":\n\n"), heard)),
    }
}
