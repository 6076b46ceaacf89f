//! Runs the user's routes, and repairs their responses where hyper would not send them.

use super::reply::{JSON, METHOD_NOT_ALLOWED, NO_SUCH_ROUTE, Reply, ReplyFuture, object};
use crate::access_rules::Peer;
use crate::events::SlowRequestPermit;
use crate::json::{self, failure};
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, TRANSFER_ENCODING, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use tower_service::Service as _;

/// Returns the reply of a user's route. A panic in the route is logged, and ends this request only.
pub(super) fn call(
    routes: &Router,
    peer: Peer,
    head: Parts,
    body: Bytes,
    permit: SlowRequestPermit,
) -> ReplyFuture<'static> {
    let is_head = head.method == Method::HEAD;
    let mut request = Request::from_parts(head, Body::from(body));
    request.extensions_mut().insert(peer);
    // The router runs its services only when the future is polled, where a panic is caught.
    let response = routes.clone().call(request);
    Box::pin(async move {
        let mut response = pin!(response);
        let response = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        });
        Reply { permit, ..checked_response(response.await, is_head).into() }
    })
}

/// Returns the response of a user's route, or status 500 if the route panicked (`None`) or its response is not final.
fn checked_response(response: Option<Result<Response<Body>, Infallible>>, is_head: bool) -> Response<Body> {
    match response {
        Some(Ok(mut response)) if !response.status().is_informational() => {
            add_message(&mut response);
            remove_framing(&mut response, is_head);
            response
        }
        Some(Err(impossible)) => match impossible {},
        other => {
            let what = if other.is_none() { "panicked" } else { "answered with an informational status" };
            log::error!("a route of the endpoint {what}");
            object(StatusCode::INTERNAL_SERVER_ERROR, &failure("the route failed"))
        }
    }
}

/// Removes the headers that concern the connection alone, and a wrong or repeated `Content-Length`, over which hyper panics in
/// debug builds. The response to a HEAD request keeps the length of the body that it omits.
fn remove_framing(response: &mut Response<Body>, is_head: bool) {
    const SET_BY_SERVER: [HeaderName; 4] = [CONNECTION, DATE, TRANSFER_ENCODING, UPGRADE];
    let expected = response.body().size_hint().exact();
    let headers = response.headers_mut();
    if headers.keys().any(|name| SET_BY_SERVER.contains(name)) {
        for name in SET_BY_SERVER {
            headers.remove(name);
        }
    }
    let is_right = |length: &HeaderValue| {
        let length = length.to_str().ok().and_then(|length| length.parse::<u64>().ok());
        length.is_some() && (length == expected || is_head && expected.is_none_or(|length| length == 0))
    };
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if lengths.next().is_some_and(|first| !is_right(first)) || lengths.next().is_some() {
        headers.remove(CONTENT_LENGTH);
    }
}

/// Adds a JSON body to an error that has neither a body nor a content type, such as the 404 of a router.
fn add_message(response: &mut Response<Body>) {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_empty = response.body().size_hint().exact() == Some(0);
    if !is_error || !is_empty || response.headers().contains_key(CONTENT_TYPE) {
        return;
    }
    let message = match status {
        StatusCode::NOT_FOUND => NO_SUCH_ROUTE,
        StatusCode::METHOD_NOT_ALLOWED => METHOD_NOT_ALLOWED,
        _ => status.canonical_reason().unwrap_or("the request failed"),
    };
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    // The length is that of the empty body.
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = json::print(&failure(message)).into();
}
