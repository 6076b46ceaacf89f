//! The fixed table of what is answered, and the user's routes behind it.

use crate::access::{Peer, Rules};
use crate::events::{Handlers, Heard, Publisher};
use crate::json::{self, Object, failure, success};
use crate::refusal::Refusal;
use crate::status::{self, Life, Requests};
use axum::Router;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, WWW_AUTHENTICATE, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use daemonize_core::Handle;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use tower_service::Service as _;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What a page of ours may do: its own scripts and styles, and requests to where it came from.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

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
    pub(crate) routes: Option<Router>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) requests: Requests,
    /// Of the Unix socket.
    pub(crate) path: String,
    /// Of the TCP port.
    pub(crate) port: Option<String>,
}

/// What is answered.
pub(crate) struct Answered {
    pub(crate) content: Content,
    /// Whether the connection ends with it.
    pub(crate) is_last: bool,
    /// Who is asked to stop once it has been sent.
    pub(crate) stops: Option<Handle>,
}

/// A response, or a stream of events without end.
pub(crate) enum Content {
    Response(Response<Body>),
    Events(Heard),
}

impl From<Response<Body>> for Answered {
    fn from(response: Response<Body>) -> Answered {
        Answered { content: Content::Response(response), is_last: false, stops: None }
    }
}

impl Service {
    /// Answers one request.
    pub(crate) async fn answer(&self, peer: Peer, request: Request<Bytes>) -> Answered {
        match self.rules.judge(peer, &request, request.body().is_empty()) {
            Ok(()) => {
                self.requests.answered.fetch_add(1, Relaxed);
                self.dispatch(peer, request).await
            }
            Err(refusal) => self.refuse(refusal),
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

    async fn dispatch(&self, peer: Peer, request: Request<Bytes>) -> Answered {
        let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_post = *request.method() == Method::POST;
        match request.uri().path() {
            "/" if is_get => self.root(peer, &request).into(),
            "/status" if is_get => well(&status::status(&self.daemon, self.state(), &self.handlers.counts())).into(),
            "/metrics" if is_get => {
                let mut text = status::metrics(&self.daemon, &self.handlers.counts(), &self.requests);
                if let Some(more) = &self.metrics {
                    text.push_str(&more().await);
                }
                response(StatusCode::OK, TEXT, text.into()).into()
            }
            "/events" if *request.method() == Method::GET => {
                Answered { content: Content::Events(self.publisher.listen()), is_last: true, stops: None }
            }
            "/event" if is_post => self.event(request.into_body()).await.into(),
            "/stop" if is_post => self.stop(),
            "/restart" if is_post => outcome(self.daemon.restart(), "restarting").into(),
            "/reload" if is_post => outcome(self.daemon.reload(), "reloading").into(),
            path if BUILT_IN.contains(&path) => not_allowed(path).into(),
            _ => match &self.routes {
                Some(routes) => routed(routes.clone(), peer, request).await.into(),
                None => object(StatusCode::NOT_FOUND, &failure("there is nothing of that name")).into(),
            },
        }
    }

    fn root(&self, peer: Peer, request: &Request<Bytes>) -> Response<Body> {
        match &self.page {
            Some(page) if self.rules.shows_the_page(request) => {
                let mut response = response(StatusCode::OK, HTML, page.clone());
                let headers = response.headers_mut();
                headers.insert(CONTENT_SECURITY_POLICY, POLICY);
                headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
                headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
                response
            }
            _ => {
                let port = self.port.as_ref().filter(|_| matches!(peer, Peer::Tcp(_)));
                well(&status::identity(&self.daemon, port.unwrap_or(&self.path), self.state()))
            }
        }
    }

    async fn event(&self, body: Bytes) -> Response<Body> {
        match serde_json::from_slice(&body) {
            Ok(value) => well(&self.handlers.handle(value).await),
            Err(_) => object(StatusCode::BAD_REQUEST, &failure("the body is not JSON")),
        }
    }

    /// Once: a second stop would cut the first one's grace short.
    fn stop(&self) -> Answered {
        let stops = if self.daemon.is_stopping() { None } else { Some(self.daemon.clone()) };
        let mut reply = success();
        reply.insert("state".to_owned(), "stopping".into());
        Answered { stops, ..well(&reply).into() }
    }
}

/// What a user's route answers; a panic in it is told and goes no further.
async fn routed(mut routes: Router, peer: Peer, request: Request<Bytes>) -> Response<Body> {
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(peer);
    let mut answer = pin!(routes.call(request));
    let polled =
        std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        });
    match polled.await {
        Some(Ok(response)) if !response.status().is_informational() => response,
        Some(Err(impossible)) => match impossible {},
        other => {
            let what = if other.is_none() { "panicked" } else { "answered with an informational status" };
            log::error!("a route of the endpoint {what}");
            object(StatusCode::INTERNAL_SERVER_ERROR, &failure("the route failed"))
        }
    }
}

/// What became of something that was asked of the daemon.
fn outcome(outcome: Result<(), Box<dyn std::error::Error>>, state: &str) -> Response<Body> {
    match outcome {
        Ok(()) => {
            let mut reply = success();
            reply.insert("state".to_owned(), state.into());
            well(&reply)
        }
        Err(error) => object(StatusCode::CONFLICT, &failure(error.to_string())),
    }
}

fn not_allowed(path: &str) -> Response<Body> {
    let allowed = match path {
        "/" | "/status" | "/metrics" => "GET, HEAD",
        "/events" => "GET",
        _ => "POST",
    };
    let mut response = object(StatusCode::METHOD_NOT_ALLOWED, &failure("this is not done that way"));
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

/// Whether a user's routes leave the table alone; the path that they do not, otherwise.
pub(crate) fn shadowed(routes: &Router) -> Option<&'static str> {
    BUILT_IN.into_iter().find(|path| !takes(routes, path))
}

/// Whether this path is free in these routes. A router says so only by panicking where it is not.
fn takes(routes: &Router, path: &'static str) -> bool {
    use axum::routing::{MethodFilter, on};
    let all = [
        MethodFilter::DELETE,
        MethodFilter::GET,
        MethodFilter::OPTIONS,
        MethodFilter::PATCH,
        MethodFilter::POST,
        MethodFilter::PUT,
        MethodFilter::TRACE,
    ];
    let all = all.into_iter().fold(MethodFilter::HEAD, MethodFilter::or);
    let routes = routes.clone();
    quietly(|| drop(routes.route(path, on(all, || async {}).fallback(|| async {}))))
}

/// Whether this does not panic; what a panic of this thread would print is not printed.
fn quietly(work: impl FnOnce()) -> bool {
    let this = std::thread::current().id();
    let before = Arc::new(std::panic::take_hook());
    let others = Arc::clone(&before);
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != this {
            others(info);
        }
    }));
    let well = catch_unwind(AssertUnwindSafe(work)).is_ok();
    drop(std::panic::take_hook());
    if let Ok(before) = Arc::try_unwrap(before) {
        std::panic::set_hook(before);
    }
    well
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{any, get, post};

    #[test]
    fn routes_that_shadow_the_table_are_found() {
        let at = |path: &str| Router::new().route(path, get(|| async {}));
        for path in BUILT_IN {
            assert_eq!(shadowed(&at(path)), Some(path));
            assert_eq!(shadowed(&Router::new().route(path, any(|| async {}))), Some(path), "{path}");
            assert_eq!(shadowed(&Router::new().route(path, post(|| async {}))), Some(path), "{path}");
        }
        assert_eq!(shadowed(&Router::new().nest("/stop", at("/now"))), None);
        assert_eq!(shadowed(&Router::new().nest("/stop", at("/"))), Some("/stop"));
        assert_eq!(shadowed(&at("/own").route("/own/{id}", get(|| async {}))), None);
        assert_eq!(shadowed(&at("/{*rest}").fallback(|| async {})), None);
    }
}
