//! The endpoint: its configuration.

mod attachment;
mod listen;

use crate::access_rules::BearerCheck;
use crate::events::{Event, HandlerOutput, Handlers, Publisher};
use crate::routes::Metrics;
use crate::status::Lifecycle;
use axum::Router;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use bytes::Bytes;
use listen::Stage;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// An HTTP endpoint in a running daemon: it reports the state of the daemon, stops it, passes events to handlers, and serves
/// your own routes.
///
/// The endpoint listens on a Unix socket in a private directory beside the pidfile: `/run/sleepy.control/socket` for
/// `/run/sleepy.pid`, and `/run/sleepy.endpoint/socket` for a pidfile `/run/sleepy` without the suffix. Root and the user of
/// the daemon may connect; the kernel reports who connects. With [`tcp`](Endpoint::tcp), the endpoint also listens on a
/// loopback port, for clients that send the token in the file `token` beside the socket.
///
/// ```no_run
/// use daemon::control::Endpoint;
/// use daemon::Daemon;
/// use serde_json::json;
///
/// let endpoint = Endpoint::new().on("add", |event| {
///     let (a, b) = (event["a"].as_i64().ok_or("no `a`")?, event["b"].as_i64().ok_or("no `b`")?);
///     Ok::<_, &str>(json!({ "sum": a + b }))
/// });
/// Daemon::new("adder").attach(endpoint).run(|| while daemon::sleep(std::time::Duration::from_secs(60)) {}).start()?;
/// # Ok::<(), daemon::Error>(())
/// ```
///
/// ```text
/// $ curl --unix-socket /run/adder.control/socket http://localhost/event --json '{"name": "add", "a": 2, "b": 3}'
/// {"success":true,"sum":5}
/// ```
///
/// # Routes
///
/// | request | response |
/// |---|---|
/// | `GET /` | the identity of the daemon: `name`, `pid`, `app_dir`, `address`, `uptime`, `state`, `version` |
/// | `GET /status` | its state: `state`, `since`, `counters`, `events`, `threads`, `memory` |
/// | `GET /metrics` | the counters for Prometheus |
/// | `GET /events` | the events that are [published](Publisher) from now on, as server-sent events |
/// | `POST /event` | `{"name": …}` runs the handler of that name; the response is the handler's reply |
/// | `POST /stop`, `/restart`, `/reload` | the same as [`stop`](daemonize_core::stop), [`restart`](daemonize_core::restart) and [`reload`](daemonize_core::reload) in the daemon |
///
/// Responses are JSON objects with the member `success`. An event whose handler fails or does not exist is answered with
/// status 200, `"success": false` and a `message`. A daemon that cannot restart or reload is answered with status 409 and the
/// reason.
///
/// # Shutdown
///
/// A second stop changes nothing; a stop during a restart also stops the new program. The response to a stop is sent before the
/// daemon stops. When the body of the daemon has ended, the endpoint accepts no more connections, and answers the requests
/// that have arrived. Event handlers have 0.6 seconds to finish; a client whose handler takes longer receives status 503. If a
/// handler must finish, let the body of the daemon wait for it. A stop that arrives after the body has ended may receive no
/// response.
///
/// The socket, the token and the directory are removed at the end. A daemon that has called `chroot(2)` cannot remove them, and
/// one that has changed its user cannot remove the directory if it may not write to the parent directory. Files that stay are
/// useless, and the next start replaces them.
///
/// # Access rules
///
/// * Unix socket: root, the user of the daemon, and the [`group`](Endpoint::group). Others receive 403, or are disconnected
///   when there are too many of them.
/// * TCP: requests with `Authorization: Bearer TOKEN` (otherwise 401) whose `Host` is `localhost`, `127.0.0.1` or `[::1]` with
///   the port (otherwise 403).
/// * Web pages: requests with an `Origin`, or with a `Sec-Fetch-Site` that is another site, receive 403 (see
///   [`page`](Endpoint::page)).
/// * Requests other than `GET` and `HEAD` need the Content-Type `application/json`, or no body and no Content-Type (otherwise
///   415). The latter does not suffice [without a token](Endpoint::without_token).
///
/// # Limits
///
/// The endpoint speaks strict HTTP/1.1, without chunked requests and without pipelining: if bytes of a further request are read
/// together with a request, they are answered with 400 after the response to the first, and the connection is closed. Bytes
/// that are read later begin the next request, even if the client has not read the response yet.
///
/// A head has at most 8 KiB and 64 header lines, a body 64 KiB; both together must arrive within 5 s. The socket and the port
/// serve 32 connections each; further connections wait. Of the 32, 24 may be slow requests (event streams, handlers and your
/// own routes, including those whose client has left, until they finish). A further slow request waits up to 2 s, or less if it
/// blocks other connections, and then receives 503.
#[derive(Default)]
pub struct Endpoint {
    address: Option<SocketAddr>,
    /// The first setting that is wrong; reported by the check before the start.
    invalid_setting: Option<String>,
    without_token: bool,
    bearer_check: Option<BearerCheck>,
    group: Option<u32>,
    page: Option<Bytes>,
    policy: Option<HeaderValue>,
    version: Option<String>,
    routes: Option<Router>,
    metrics: Option<Arc<Metrics>>,
    handlers: Handlers,
    publisher: Publisher,
    lifecycle: Arc<Lifecycle>,
    stage: Mutex<Stage>,
}

impl Endpoint {
    /// Makes an endpoint on the Unix socket beside the pidfile. The socket of a user's daemon is in `/run/user/UID`: see
    /// `docs/places.md`.
    pub fn new() -> Endpoint {
        Endpoint::default()
    }

    /// Makes an endpoint that also listens on a TCP port: see [`address`](Endpoint::address).
    pub fn tcp(address: &str) -> Endpoint {
        Endpoint::new().address(address)
    }

    /// Listens on this TCP port, too: a loopback address and a port, such as `127.0.0.1:4711` or `[::1]:0`. Port 0 is any free
    /// port, which the pidfile then names. The start fails with any other address.
    ///
    /// Each start generates a new token, which every request must carry; the token file is removed at the end.
    #[must_use]
    pub fn address(self, address: &str) -> Endpoint {
        match address.parse() {
            Ok(address) => self.listen(address),
            Err(_) => self.invalid_address(address, "not an IP address with a port; use one such as `127.0.0.1:4711`"),
        }
    }

    /// Requires no token over TCP.
    ///
    /// **Dangerous**: every process of every user of this machine can then stop the daemon and send it events. Web pages still
    /// cannot. Use it only for clients that cannot send a token.
    #[must_use]
    pub fn without_token(mut self) -> Endpoint {
        self.without_token = true;
        self
    }

    /// Accepts further credentials over TCP beside the token, such as the key of a session that one of your routes has
    /// opened: the check receives the head of the request and what follows `Authorization: Bearer `. All other access rules
    /// stay.
    ///
    /// It runs on the endpoint's single thread for each request without the right token, so it must not block. Compare
    /// secrets in constant time, and accept a credential for the paths alone that it is meant for.
    ///
    /// ```
    /// use daemon::control::Endpoint;
    ///
    /// let endpoint = Endpoint::tcp("127.0.0.1:4711").accept_bearer(|request, bearer| {
    ///     request.uri.path() == "/public" && bearer == b"guest"
    /// });
    /// ```
    #[must_use]
    pub fn accept_bearer(mut self, check: impl Fn(&Parts, &[u8]) -> bool + Send + Sync + 'static) -> Endpoint {
        self.bearer_check = Some(BearerCheck(Arc::new(check)));
        self
    }

    /// Lets members of this group connect to the socket, too: processes whose effective group id is `gid`.
    #[must_use]
    pub fn group(mut self, gid: u32) -> Endpoint {
        self.group = Some(gid);
        self
    }

    /// Serves this page at `GET /` to browsers (`Accept: text/html`). It is served without a token, so it must not contain
    /// secrets. Its scripts and styles must be inline. Its own requests need the token, which the user has to enter.
    ///
    /// Requests may then have an `Origin` if it equals their `Host`, so that this page can send them.
    #[must_use]
    pub fn page(mut self, html: impl Into<String>) -> Endpoint {
        self.page = Some(Bytes::from(html.into()));
        self
    }

    /// Sets the Content-Security-Policy of the page. By default, inline scripts and styles are allowed, and nothing from other
    /// origins. A stricter policy can name the hashes of the scripts (`script-src 'sha256-…'`).
    #[must_use]
    pub fn page_policy(mut self, policy: &str) -> Endpoint {
        self.policy = HeaderValue::from_str(policy).ok();
        if self.policy.is_none() {
            self.invalid_setting =
                Some(format!("failed to use the page's policy {policy:?}: not a valid header value"));
        }
        self
    }

    /// Sets the version that `GET /` reports, such as `env!("CARGO_PKG_VERSION")`. The default is the version of this library.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Endpoint {
        self.version = Some(version.into());
        self
    }

    /// Serves these routes, too, under the same access rules. Routes run on the endpoint's single thread: move blocking work to
    /// `tokio::task::spawn_blocking`. The [`Peer`](crate::Peer) is in the extensions of the request.
    ///
    /// The start fails if a route has a path that the endpoint answers itself. A route whose client has left is cancelled at
    /// its next `await`, unlike an event handler.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Endpoint {
        self.routes = Some(routes);
        self
    }

    /// Sets the handler of events of this name: `POST /event` with `{"name": name, …}`.
    ///
    /// The handler returns a [reply](crate::IntoReply), and runs on a thread of its own, or it returns a future of a reply. A
    /// panic becomes an error reply to that event. Up to 24 handlers run for the socket, and 24 for the port: a further event
    /// waits up to 2 s, and is then refused with 503.
    #[must_use]
    pub fn on<Kind, R>(self, name: impl Into<String>, handler: impl Fn(Event) -> R + Send + Sync + 'static) -> Endpoint
    where
        R: HandlerOutput<Kind> + 'static,
    {
        self.handlers.on(name.into(), handler);
        self
    }

    /// Adds metrics to `GET /metrics`: complete lines of the Prometheus text format 0.0.4, under names of their own. The future
    /// runs on the endpoint's thread.
    #[must_use]
    pub fn metrics<F>(mut self, more: impl Fn() -> F + Send + Sync + 'static) -> Endpoint
    where
        F: Future<Output = String> + Send + 'static,
    {
        self.metrics = Some(Arc::new(move || Box::pin(more())));
        self
    }

    /// Returns the publisher of events for the clients that read `GET /events`.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Returns the event handlers, which can be changed while the endpoint runs.
    pub(crate) fn handlers(&self) -> Handlers {
        self.handlers.clone()
    }

    fn listen(mut self, address: SocketAddr) -> Endpoint {
        if address.ip().is_loopback() {
            self.address = Some(address);
            return self;
        }
        self.invalid_address(address, "not a loopback address; use `127.0.0.1` or `[::1]`")
    }

    fn invalid_address(mut self, address: impl fmt::Display, cause: &str) -> Endpoint {
        self.invalid_setting = Some(format!("failed to listen on `{address}`: {cause}"));
        self
    }
}

impl From<&str> for Endpoint {
    /// Makes an endpoint with this [`address`](Endpoint::address).
    fn from(address: &str) -> Endpoint {
        Endpoint::tcp(address)
    }
}

impl From<String> for Endpoint {
    /// Makes an endpoint with this [`address`](Endpoint::address).
    fn from(address: String) -> Endpoint {
        Endpoint::tcp(&address)
    }
}

impl From<SocketAddr> for Endpoint {
    /// Makes an endpoint with this [`address`](Endpoint::address).
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint::new().listen(address)
    }
}

impl From<Router> for Endpoint {
    /// Makes an endpoint with these [`routes`](Endpoint::routes).
    fn from(routes: Router) -> Endpoint {
        Endpoint::new().routes(routes)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { address, without_token, group, handlers, .. } = self;
        f.debug_struct("Endpoint")
            .field("address", address)
            .field("without_token", without_token)
            .field("group", group)
            .field("handlers", handlers)
            .finish_non_exhaustive()
    }
}
