//! Routes requests: first the built-in paths, then the user's routes.

mod built_in;
mod page;
mod reply;
pub(crate) mod reserved_paths;
mod user_routes;

pub(crate) use page::DEFAULT_POLICY;
pub(crate) use reply::{PendingReply, Reply, ReplyContent, ReplyFuture};

use crate::access_rules::{AccessRules, Peer};
use crate::blocking_thread;
use crate::events::{Handlers, Publisher, SlowRequestPermit};
use crate::json::{failure, success};
use crate::refusal::Refusal;
use crate::status::{self, Lifecycle, RequestCounters};
use axum::Router;
use axum::body::Body;
use axum::http::header::{ALLOW, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use built_in::{BUILT_IN, allowed_methods};
use bytes::Bytes;
use daemonize_core::attach::Handle;
use reply::{METHOD_NOT_ALLOWED, METRICS_TEXT, NO_SUCH_ROUTE, object, ok, response, state_change};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Produces additional lines for Prometheus.
pub(crate) type Metrics = dyn Fn() -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync;

/// The state that all connections share to answer requests.
pub(crate) struct Service {
    pub(crate) daemon: Handle,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) rules: AccessRules,
    pub(crate) handlers: Handlers,
    pub(crate) publisher: Publisher,
    pub(crate) page: Option<Bytes>,
    /// The Content-Security-Policy of the page.
    pub(crate) policy: HeaderValue,
    pub(crate) version: Option<String>,
    pub(crate) routes: Option<Router>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) requests: RequestCounters,
    /// The URL of the Unix socket.
    pub(crate) socket_url: String,
    /// The URL of the TCP port.
    pub(crate) port_url: Option<String>,
}

impl Service {
    /// Returns `true` if user code decides how long the request takes (an event handler, a user route), or it is a stream.
    pub(crate) fn may_be_slow(&self, request: &Parts) -> bool {
        match request.uri.path() {
            // A restart waits until the new program is ready.
            "/event" | "/events" | "/restart" => true,
            "/metrics" => self.metrics.is_some(),
            path => self.routes.is_some() && !BUILT_IN.contains(&path),
        }
    }

    /// Returns the reply to a refused request, after which the connection closes.
    pub(crate) fn refuse(&self, Refusal { status, message }: Refusal) -> Reply {
        self.requests.refused.fetch_add(1, Relaxed);
        let mut response = object(status, &failure(message));
        match status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            }
            _ => {}
        }
        Reply { is_last: true, ..response.into() }
    }

    /// Returns the state of the daemon as one word.
    pub(crate) fn state(&self) -> &'static str {
        self.lifecycle.state(&self.daemon)
    }

    /// Answers a request that has passed the access rules, with a permit if it may be slow.
    pub(crate) fn respond(
        &self,
        peer: Peer,
        request: Parts,
        body: Bytes,
        permit: SlowRequestPermit,
    ) -> PendingReply<'_> {
        self.requests.answered.fetch_add(1, Relaxed);
        let is_get = matches!(request.method, Method::GET | Method::HEAD);
        let is_post = request.method == Method::POST;
        let response = match request.uri.path() {
            "/" if is_get => self.root(peer, &request),
            "/status" if is_get => ok(&status::status(&self.daemon, self.state(), &self.handlers.counts())),
            "/metrics" if is_get => return PendingReply::Later(Box::pin(self.metrics(permit))),
            "/events" if request.method == Method::GET => {
                let content = ReplyContent::Events(self.publisher.subscribe());
                return PendingReply::Ready(Reply { content, is_last: true, stops: None, permit });
            }
            "/event" if is_post => return PendingReply::Later(Box::pin(self.event(body, permit))),
            "/stop" if is_post => return PendingReply::Ready(self.stop()),
            "/restart" if is_post => return PendingReply::Later(Box::pin(self.restart(permit))),
            "/reload" if is_post => state_change(self.daemon.reload().map_err(|error| error.to_string()), "reloading"),
            path if BUILT_IN.contains(&path) => {
                let mut response = object(StatusCode::METHOD_NOT_ALLOWED, &failure(METHOD_NOT_ALLOWED));
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed_methods(path)));
                response
            }
            _ => match &self.routes {
                Some(routes) => return PendingReply::Later(user_routes::call(routes, peer, request, body, permit)),
                None => object(StatusCode::NOT_FOUND, &failure(NO_SUCH_ROUTE)),
            },
        };
        PendingReply::Ready(response.into())
    }

    fn root(&self, peer: Peer, request: &Parts) -> Response<Body> {
        match &self.page {
            Some(html) if self.rules.asks_for_page(request) => page::page(html.clone(), self.policy.clone()),
            _ => {
                let port_url = self.port_url.as_ref().filter(|_| matches!(peer, Peer::Tcp(_)));
                let address = port_url.unwrap_or(&self.socket_url);
                ok(&status::identity(&self.daemon, address, self.state(), self.version.as_deref()))
            }
        }
    }

    async fn metrics(&self, permit: SlowRequestPermit) -> Reply {
        let mut text = status::metrics(&self.daemon, &self.handlers.counts(), &self.requests);
        if let Some(more) = &self.metrics {
            text.push_str(&more().await);
        }
        Reply { permit, ..response(StatusCode::OK, METRICS_TEXT, text.into()).into() }
    }

    async fn event(&self, body: Bytes, permit: SlowRequestPermit) -> Reply {
        let Ok(value) = serde_json::from_slice(&body) else {
            return object(StatusCode::BAD_REQUEST, &failure("the body is not JSON")).into();
        };
        let (reply, permit) = self.handlers.handle(value, permit).await;
        Reply { permit, ..ok(&reply).into() }
    }

    /// Stops the daemon after the reply has been sent, each time it is called: repeated stops do not shorten a stop, but a stop
    /// during a restart also stops the new program.
    fn stop(&self) -> Reply {
        let mut reply = success();
        reply.insert("state".to_owned(), "stopping".into());
        Reply { stops: Some(self.daemon.clone()), ..ok(&reply).into() }
    }

    /// Restarts the daemon on a thread of its own, because the call blocks until the new program is ready. The restart continues
    /// if the client leaves.
    async fn restart(&self, permit: SlowRequestPermit) -> Reply {
        let daemon = self.daemon.clone();
        let restart = blocking_thread::spawn("daemon-restart", move || {
            let outcome = daemon.restart().map_err(|error| error.to_string());
            (outcome, permit)
        });
        match restart {
            Ok(restart) => match restart.await {
                Ok((outcome, permit)) => Reply { permit, ..state_change(outcome, "restarting").into() },
                Err(_) => object(StatusCode::INTERNAL_SERVER_ERROR, &failure("the restart panicked")).into(),
            },
            Err(error) => state_change(Err(format!("failed to restart: cannot create a thread: {error}")), "").into(),
        }
    }
}
