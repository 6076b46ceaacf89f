//! The fixed table of what is answered, and the user's routes behind it.

use crate::access::{Peer, Rules};
use crate::blocking;
use crate::events::{Handlers, Heard, Publisher, SlowRequestPermit};
use crate::json::{self, Object, failure, success};
use crate::refusal::Refusal;
use crate::status::{self, Life, Requests};
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE, TRANSFER_ENCODING, UPGRADE,
    WWW_AUTHENTICATE, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use daemonize_core::attach::Handle;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use tower_service::Service as _;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What a page of ours may do unless it has a policy of its own: its scripts and styles, and requests to where it came from.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const NOTHING: &str = "there is nothing of that name";
const NOT_THAT_WAY: &str = "this is not done that way";

/// The paths of the table: a user's routes have others.
pub(crate) const BUILT_IN: [&str; 8] =
    ["/", "/status", "/events", "/metrics", "/event", "/stop", "/restart", "/reload"];

/// More lines for Prometheus.
pub(crate) type Metrics = dyn Fn() -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync;

/// Everything that answers: shared by all connections.
pub(crate) struct Service {
    pub(crate) daemon: Handle,
    pub(crate) life: Arc<Life>,
    pub(crate) rules: Rules,
    pub(crate) handlers: Handlers,
    pub(crate) publisher: Publisher,
    pub(crate) page: Option<Bytes>,
    /// What the page may do.
    pub(crate) policy: HeaderValue,
    pub(crate) version: Option<String>,
    pub(crate) routes: Option<Router>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) requests: Requests,
    /// Of the Unix socket.
    pub(crate) path: String,
    /// Of the TCP port.
    pub(crate) port: Option<String>,
}

/// A future of an answer.
pub(crate) type LaterAnswer<'a> = Pin<Box<dyn Future<Output = Answered> + Send + 'a>>;

/// An answer, or what it will be: most are there at once, without a future.
#[allow(clippy::large_enum_variant)] // It is taken apart at once: a box would cost what this type saves.
pub(crate) enum Answer<'a> {
    Now(Answered),
    Later(LaterAnswer<'a>),
}

/// What is answered.
pub(crate) struct Answered {
    pub(crate) content: Content,
    /// Whether the connection ends with it.
    pub(crate) is_last: bool,
    /// Who is asked to stop once it has been sent.
    pub(crate) stops: Option<Handle>,
    /// The permit of a slow request, which is kept until the reply has been sent.
    pub(crate) permit: SlowRequestPermit,
}

/// A response, or a stream of events without end.
pub(crate) enum Content {
    Response(Response<Body>),
    Events(Heard),
}

impl From<Response<Body>> for Answered {
    fn from(response: Response<Body>) -> Answered {
        Answered { content: Content::Response(response), is_last: false, stops: None, permit: None }
    }
}

impl Service {
    /// Returns `true` if the answer may depend on what is not the endpoint's: an event's handler, a route, a stream.
    pub(crate) fn may_take_long(&self, request: &Parts) -> bool {
        match request.uri.path() {
            // A restart waits for another program.
            "/event" | "/events" | "/restart" => true,
            "/metrics" => self.metrics.is_some(),
            path => self.routes.is_some() && !BUILT_IN.contains(&path),
        }
    }

    /// Answers whoever is not served; nothing follows on this connection.
    pub(crate) fn refuse(&self, Refusal { status, why }: Refusal) -> Answered {
        self.requests.refused.fetch_add(1, Relaxed);
        let mut response = object(status, &failure(why));
        match status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            }
            _ => {}
        }
        Answered { is_last: true, ..response.into() }
    }

    /// What the daemon is at, in one word.
    pub(crate) fn state(&self) -> &'static str {
        self.life.word(&self.daemon)
    }

    /// Answers a request that may be made, with a permit if it may be slow.
    pub(crate) fn answer(&self, peer: Peer, request: Parts, body: Bytes, permit: SlowRequestPermit) -> Answer<'_> {
        self.requests.answered.fetch_add(1, Relaxed);
        let is_get = matches!(request.method, Method::GET | Method::HEAD);
        let is_post = request.method == Method::POST;
        let response = match request.uri.path() {
            "/" if is_get => self.root(peer, &request),
            "/status" if is_get => well(&status::status(&self.daemon, self.state(), &self.handlers.counts())),
            "/metrics" if is_get => return Answer::Later(Box::pin(self.metrics(permit))),
            "/events" if request.method == Method::GET => {
                let content = Content::Events(self.publisher.listen());
                return Answer::Now(Answered { content, is_last: true, stops: None, permit });
            }
            "/event" if is_post => return Answer::Later(Box::pin(self.event(body, permit))),
            "/stop" if is_post => return Answer::Now(self.stop()),
            "/restart" if is_post => return Answer::Later(Box::pin(self.restart(permit))),
            "/reload" if is_post => outcome(self.daemon.reload().map_err(|error| error.to_string()), "reloading"),
            path if BUILT_IN.contains(&path) => not_allowed(path),
            _ => match &self.routes {
                Some(routes) => return Answer::Later(route(routes, peer, request, body, permit)),
                None => object(StatusCode::NOT_FOUND, &failure(NOTHING)),
            },
        };
        Answer::Now(response.into())
    }

    async fn metrics(&self, permit: SlowRequestPermit) -> Answered {
        let mut text = status::metrics(&self.daemon, &self.handlers.counts(), &self.requests);
        if let Some(more) = &self.metrics {
            text.push_str(&more().await);
        }
        Answered { permit, ..response(StatusCode::OK, TEXT, text.into()).into() }
    }

    fn root(&self, peer: Peer, request: &Parts) -> Response<Body> {
        match &self.page {
            Some(page) if self.rules.shows_the_page(request) => {
                let mut response = response(StatusCode::OK, HTML, page.clone());
                let headers = response.headers_mut();
                headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
                headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
                headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
                response
            }
            _ => {
                let port = self.port.as_ref().filter(|_| matches!(peer, Peer::Tcp(_)));
                let version = self.version.as_deref();
                well(&status::identity(&self.daemon, port.unwrap_or(&self.path), self.state(), version))
            }
        }
    }

    async fn event(&self, body: Bytes, permit: SlowRequestPermit) -> Answered {
        let Ok(value) = serde_json::from_slice(&body) else {
            return object(StatusCode::BAD_REQUEST, &failure("the body is not JSON")).into();
        };
        let (reply, permit) = self.handlers.handle(value, permit).await;
        Answered { permit, ..well(&reply).into() }
    }

    /// Each time: a daemon that stops is not hurried by it, and one that restarts is not to come back.
    fn stop(&self) -> Answered {
        let mut reply = success();
        reply.insert("state".to_owned(), "stopping".into());
        Answered { stops: Some(self.daemon.clone()), ..well(&reply).into() }
    }

    /// On a thread of its own, since it blocks until the new program waits, which goes on when the client does not.
    async fn restart(&self, permit: SlowRequestPermit) -> Answered {
        let daemon = self.daemon.clone();
        let restarted = blocking::spawn("daemon-restart", move || {
            let restarted = daemon.restart().map_err(|error| error.to_string());
            (restarted, permit)
        });
        match restarted {
            Ok(restarted) => match restarted.await {
                Ok((restarted, permit)) => Answered { permit, ..outcome(restarted, "restarting").into() },
                Err(_) => object(StatusCode::INTERNAL_SERVER_ERROR, &failure("the restart panicked")).into(),
            },
            Err(error) => outcome(Err(format!("failed to restart: no thread can be had: {error}")), "").into(),
        }
    }
}

/// Returns what a user's route answers; a panic in it is logged and goes no further.
fn route(routes: &Router, peer: Peer, head: Parts, body: Bytes, permit: SlowRequestPermit) -> LaterAnswer<'static> {
    let is_head = head.method == Method::HEAD;
    let mut request = Request::from_parts(head, Body::from(body));
    request.extensions_mut().insert(peer);
    // The services of the router run only when the future is polled: a panic in one of them is caught there.
    let answer = routes.clone().call(request);
    Box::pin(async move {
        let mut answer = pin!(answer);
        let polled =
            std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
                Ok(poll) => poll.map(Some),
                Err(_) => Poll::Ready(None),
            });
        Answered { permit, ..route_response(polled.await, is_head).into() }
    })
}

/// Returns the response to a request that a user's route has answered; without an answer, the route panicked.
fn route_response(answer: Option<Result<Response<Body>, Infallible>>, is_head: bool) -> Response<Body> {
    match answer {
        Some(Ok(mut response)) if !response.status().is_informational() => {
            add_reason(&mut response);
            own_framing(&mut response, is_head);
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

/// Removes the headers that only concern one connection, and a length that is wrong or one of several, over which hyper panics in
/// debug builds. The reply to a HEAD request keeps the length of the body that it does not have.
fn own_framing(response: &mut Response<Body>, is_head: bool) {
    const OURS: [HeaderName; 4] = [CONNECTION, DATE, TRANSFER_ENCODING, UPGRADE];
    let expected = response.body().size_hint().exact();
    let headers = response.headers_mut();
    if headers.keys().any(|name| OURS.contains(name)) {
        for name in OURS {
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

/// Adds the endpoint's JSON to an error without a body and content type, such as that of a router without such a route.
fn add_reason(response: &mut Response<Body>) {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_empty = response.body().size_hint().exact() == Some(0);
    if !is_error || !is_empty || response.headers().contains_key(CONTENT_TYPE) {
        return;
    }
    let why = match status {
        StatusCode::NOT_FOUND => NOTHING,
        StatusCode::METHOD_NOT_ALLOWED => NOT_THAT_WAY,
        _ => status.canonical_reason().unwrap_or("it failed"),
    };
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    // That of the empty body.
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = json::print(&failure(why)).into();
}

/// What became of something that was asked of the daemon.
fn outcome(outcome: Result<(), String>, state: &str) -> Response<Body> {
    match outcome {
        Ok(()) => {
            let mut reply = success();
            reply.insert("state".to_owned(), state.into());
            well(&reply)
        }
        Err(error) => object(StatusCode::CONFLICT, &failure(error)),
    }
}

fn not_allowed(path: &str) -> Response<Body> {
    let allowed = match path {
        "/" | "/status" | "/metrics" => "GET, HEAD",
        "/events" => "GET",
        _ => "POST",
    };
    let mut response = object(StatusCode::METHOD_NOT_ALLOWED, &failure(NOT_THAT_WAY));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn well(value: &Object) -> Response<Body> {
    object(StatusCode::OK, value)
}

fn object(status: StatusCode, value: &Object) -> Response<Body> {
    response(status, JSON, json::print(value).into())
}

fn response(status: StatusCode, kind: HeaderValue, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
