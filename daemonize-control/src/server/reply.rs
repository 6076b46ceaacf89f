//! Responses as hyper sends them: headers common to all, bodies that end when the peer has closed the connection, and streams
//! of events.

use super::connection::Connection;
use super::shutdown::Shutdown;
use super::socket::PeerSocket;
use super::wire::KeptUntilSent;
use crate::events::Subscription;
use crate::routes::{Reply, ReplyContent};
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

/// Interval at which a stream without events sends a comment, which detects a peer that is gone.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// The body of a response.
pub(super) struct ReplyBody<S: PeerSocket> {
    body: Body,
    /// The body is a stream of events. Its peer has nothing more to send, so its half-close ends the stream.
    is_stream: bool,
    /// Completes when the peer closes the connection; created when the body has to wait.
    peer_closed: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    kept: Option<KeptUntilSent>,
    connection: Arc<Connection<S>>,
}

impl<S: PeerSocket> ReplyBody<S> {
    /// Returns the response for a reply.
    pub(super) fn response(connection: Arc<Connection<S>>, reply: Reply) -> Response<ReplyBody<S>> {
        let Reply { content, is_last, stops, permit } = reply;
        let is_stream = matches!(content, ReplyContent::Events(_));
        let mut response = match content {
            ReplyContent::Response(response) => response,
            ReplyContent::Events(subscription) => {
                let shared = &connection.shared;
                let mut response =
                    Response::new(EventBody::body(shared.service.state(), subscription, shared.shutdown.clone()));
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

    /// Becomes ready when the peer has closed the connection. Writing alone would not notice that.
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

impl<S: PeerSocket> hyper::body::Body for ReplyBody<S> {
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

impl<S: PeerSocket> Drop for ReplyBody<S> {
    /// Keeps what is left to do until the last bytes have been written: hyper drops a complete body just before that.
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.connection.wire().keep_until_sent(kept);
        }
    }
}

fn insert_default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    // To compare a few names costs less than to hash one.
    if headers.keys().all(|other| *other != name) {
        headers.insert(name, value);
    }
}

/// The next message of a stream and the subscription for later ones; `None` at the end.
type NextEvent = Pin<Box<dyn Future<Output = Option<(Bytes, Subscription)>> + Send>>;

/// The body of a stream of published events, which ends when the server shuts down.
struct EventBody {
    next: NextEvent,
    shutdown: watch::Receiver<Shutdown>,
}

impl EventBody {
    /// Returns the stream, which begins with an event that holds the state of the daemon.
    fn body(state: &str, subscription: Subscription, shutdown: watch::Receiver<Shutdown>) -> Body {
        let first = Bytes::from(format!("event: state\ndata: {{\"state\":\"{state}\"}}\n\n"));
        Body::new(EventBody { next: Box::pin(std::future::ready(Some((first, subscription)))), shutdown })
    }
}

impl hyper::body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some((message, subscription)) = ready!(self.next.as_mut().poll(context)) else { return Poll::Ready(None) };
        self.next = Box::pin(next_event(subscription, self.shutdown.clone()));
        Poll::Ready(Some(Ok(Frame::data(message))))
    }
}

async fn next_event(
    mut subscription: Subscription,
    shutdown: watch::Receiver<Shutdown>,
) -> Option<(Bytes, Subscription)> {
    tokio::select! {
        biased;
        message = subscription.next() => Some((message?, subscription)),
        () = Shutdown::Draining.reached(shutdown) => None,
        () = sleep(HEARTBEAT_INTERVAL) => Some((Bytes::from_static(b":\n\n"), subscription)),
    }
}
