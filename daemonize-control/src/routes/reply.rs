//! The replies of routes: a response and the actions that follow it.

use crate::events::{SlowRequestPermit, Subscription};
use crate::json::{self, Object, failure, success};
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use daemonize_core::attach::Handle;
use std::pin::Pin;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const METRICS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

pub(super) const NO_SUCH_ROUTE: &str = "no such route";
pub(super) const METHOD_NOT_ALLOWED: &str = "the route does not allow this method";

/// A future of a reply.
pub(crate) type ReplyFuture<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// A reply or a future of it. Most replies are ready at once, and need no future.
#[allow(clippy::large_enum_variant)] // Destructured at once: a box would cost as much as it saves.
pub(crate) enum PendingReply<'a> {
    Ready(Reply),
    Later(ReplyFuture<'a>),
}

/// The reply to a request.
pub(crate) struct Reply {
    pub(crate) content: ReplyContent,
    /// The connection closes after this reply.
    pub(crate) is_last: bool,
    /// The daemon to stop after the reply has been sent.
    pub(crate) stops: Option<Handle>,
    /// The permit of a slow request, which is kept until the reply has been sent.
    pub(crate) permit: SlowRequestPermit,
}

/// A response, or an endless stream of events.
pub(crate) enum ReplyContent {
    Response(Response<Body>),
    Events(Subscription),
}

impl From<Response<Body>> for Reply {
    fn from(response: Response<Body>) -> Reply {
        Reply { content: ReplyContent::Response(response), is_last: false, stops: None, permit: None }
    }
}

/// Returns the response to a request that changes the state of the daemon: the new state, or status 409.
pub(super) fn state_change(outcome: Result<(), String>, state: &str) -> Response<Body> {
    match outcome {
        Ok(()) => {
            let mut reply = success();
            reply.insert("state".to_owned(), state.into());
            ok(&reply)
        }
        Err(error) => object(StatusCode::CONFLICT, &failure(error)),
    }
}

/// Returns a response with status 200.
pub(super) fn ok(value: &Object) -> Response<Body> {
    object(StatusCode::OK, value)
}

pub(super) fn object(status: StatusCode, value: &Object) -> Response<Body> {
    response(status, JSON, json::print(value).into())
}

pub(super) fn response(status: StatusCode, media_type: HeaderValue, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
