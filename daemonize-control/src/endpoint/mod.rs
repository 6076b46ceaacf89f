//! The endpoint: what a user configures, and its life beside the body.

use crate::access::{self, Rules};
use crate::events::{Answer, Event, Handlers, Publisher};
use crate::place::{Owner, Place};
use crate::routes::{self, Metrics, Service};
use crate::server::Server;
use crate::shadowed_routes;
use crate::status::{Life, Requests};
use crate::token::Token;
use axum::Router;
use axum::http::HeaderValue;
use bytes::Bytes;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared};
use daemonize_sys::mutex::lock;
use serde_json::json;
use std::error::Error;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

/// A small HTTP endpoint in the running daemon: ask how it is, stop it, send it events, and whatever routes you add.
///
/// It answers on a Unix socket in a private directory beside the pidfile (`/run/sleepy.control/socket` beside
/// `/run/sleepy.pid`; a pidfile `/run/sleepy` without that ending has `/run/sleepy.endpoint/socket`), to root and to the user
/// that the daemon is, whom the kernel names. With [`tcp`](Endpoint::tcp) it also answers on a port of this machine, to
/// whoever brings the token in the file `token` beside the socket.
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
/// # What it answers
///
/// | request | answer |
/// |---|---|
/// | `GET /` | who it is: `name`, `pid`, `app_dir`, `address`, `uptime`, `state`, `version` |
/// | `GET /status` | how it is: `state`, `since`, `counters`, `events`, `threads`, `memory` |
/// | `GET /metrics` | the same for Prometheus |
/// | `GET /events` | what is [published](Publisher) from now on, as server-sent events |
/// | `POST /event` | `{"name": …}` runs the handler of that name; what it replied |
/// | `POST /stop`, `/restart`, `/reload` | as [`stop`](daemonize_core::stop), [`restart`](daemonize_core::restart) and [`reload`](daemonize_core::reload) do from inside |
///
/// Answers are JSON objects with `success`. An event that fails, or has no handler, is answered with status 200,
/// `"success": false` and a `message`; a daemon that cannot restart or reload, and why not, with 409.
///
/// # Its end
///
/// A second stop changes nothing; one during a restart stops the new program, too. The answer to a stop is sent before the daemon ends, and the endpoint goes away when the
/// work has ended: then nobody can connect any more, and what has been asked by then is answered. Handlers of events have 0.6
/// seconds for that, and whoever waits for one that takes longer is answered with 503; a handler that must come to its end is
/// one that the body waits for. A stop that comes when the work has ended already is answered if it is there just then.
///
/// Socket, token and directory are removed at the end. A daemon that has changed its root (`chroot`) cannot do that, nor one
/// that is another `user` now remove the directory where it may not write beside it; what stays is of no use to anybody, and
/// the next start replaces it.
///
/// # Who may ask, and how
///
/// * Over the socket: root, the user that the daemon is, and a [`group`](Endpoint::group). Anybody else: 403, or nothing
///   where there are many of them.
/// * Over TCP: whoever brings `Authorization: Bearer TOKEN` (else 401) and names one of `localhost`, `127.0.0.1` and `[::1]`
///   with the port as the `Host` (else 403).
/// * No web page: any `Origin`, and a `Sec-Fetch-Site` from elsewhere, is answered with 403 (see [`page`](Endpoint::page)).
/// * Whatever is not `GET` or `HEAD` comes as `application/json`, or with no body and no type at all (else 415); the latter is
///   not enough [without a token](Endpoint::without_token).
///
/// HTTP/1.1 is read strictly, one request after the other, and no chunked ones. Pipelining is not promised: what is read
/// together with a request is answered with 400 after that request's answer, and the connection closed; what comes later is
/// the next request, whether or not that answer has been read.
///
/// A head has at most 8 KiB and 64 headers, a body 64 KiB, and both together five seconds. There are 32 connections to the
/// socket and 32 to the port; more wait. 24 of them may be at what takes its time (the stream of events, handlers, routes of
/// yours, also those whose client has gone, until they have ended). One more waits for its turn, two seconds at most and not
/// where it is in the way of others, and is then answered with 503.
#[derive(Default)]
pub struct Endpoint {
    address: Option<SocketAddr>,
    mistake: Option<String>,
    open: bool,
    group: Option<u32>,
    page: Option<Bytes>,
    policy: Option<HeaderValue>,
    version: Option<String>,
    routes: Option<Router>,
    metrics: Option<Arc<Metrics>>,
    handlers: Handlers,
    publisher: Publisher,
    life: Arc<Life>,
    stage: Mutex<Stage>,
}

/// How far an endpoint has come in its daemon.
#[derive(Default)]
enum Stage {
    #[default]
    Planned,
    Bound(Bound),
    Serving(Place, Server),
}

/// Sockets that are open, and who may use them.
struct Bound {
    place: Place,
    socket: UnixListener,
    port: Option<TcpListener>,
    rules: Rules,
    /// The address of the port.
    url: Option<String>,
}

impl Endpoint {
    /// An endpoint on the Unix socket beside the pidfile (a user's in `/run/user/UID`: see `docs/places.md`).
    pub fn new() -> Endpoint {
        Endpoint::default()
    }

    /// One that also answers on a TCP port: see [`address`](Endpoint::address).
    pub fn tcp(address: &str) -> Endpoint {
        Endpoint::new().address(address)
    }

    /// Answers on this TCP port, too: an IP address of this machine alone and a port, such as `127.0.0.1:4711` or
    /// `[::1]:0`; port 0 is any that is free, and the pidfile says which. Anything else is an error of the start.
    ///
    /// The token that every request has to bring is made anew by each start, and removed at its end.
    #[must_use]
    pub fn address(self, address: &str) -> Endpoint {
        match address.parse() {
            Ok(address) => self.listen(address),
            Err(_) => self.refuse(address, "it is no IP address with a port, such as `127.0.0.1:4711`"),
        }
    }

    /// Demands no token over TCP.
    ///
    /// **Dangerous**: every user of this machine, and whatever of theirs can open a connection, can then stop the daemon and
    /// send it events. Web pages still cannot. It is for clients that know of no token.
    #[must_use]
    pub fn without_token(mut self) -> Endpoint {
        self.open = true;
        self
    }

    /// Lets this group (by its number) use the socket, too: processes whose effective group it is.
    #[must_use]
    pub fn group(mut self, gid: u32) -> Endpoint {
        self.group = Some(gid);
        self
    }

    /// Answers `GET /` with this page when a browser asks (`Accept: text/html`): without a token, so that it must not hold
    /// anything secret. Its scripts and styles are in it; what it asks, it asks with the token that somebody gives it.
    ///
    /// Requests of this page alone may then have an `Origin`: the one that equals the `Host` of the very request.
    #[must_use]
    pub fn page(mut self, html: impl Into<String>) -> Endpoint {
        self.page = Some(Bytes::from(html.into()));
        self
    }

    /// The Content-Security-Policy of the page. Unless it is said, whatever script and style stands in the page is allowed, and
    /// nothing from elsewhere; it can name the hashes of its own instead (`script-src 'sha256-…'`).
    #[must_use]
    pub fn page_policy(mut self, policy: &str) -> Endpoint {
        self.policy = HeaderValue::from_str(policy).ok();
        if self.policy.is_none() {
            self.mistake = Some(format!("failed to use the page's policy {policy:?}: it is no header"));
        }
        self
    }

    /// The version that `GET /` tells, such as `env!("CARGO_PKG_VERSION")`. Unless it is said, that is this library's.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Endpoint {
        self.version = Some(version.into());
        self
    }

    /// Answers these routes, too, under the same rules. They run in the endpoint's only thread: what does not await for long
    /// belongs into `tokio::task::spawn_blocking`. A route finds its [`Peer`](crate::Peer) among the request's extensions.
    ///
    /// A path that the endpoint itself answers is an error of the start. A route whose client has gone is dropped where it
    /// awaits, which a handler of events is not.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Endpoint {
        self.routes = Some(routes);
        self
    }

    /// Handles events of this name: `POST /event` with `{"name": name, …}`.
    ///
    /// The handler returns a [reply](crate::IntoReply), in a thread of its own, or a future of one; a panic is the reply of that
    /// event alone. 24 may be at work for the socket, and 24 for the port: one more is refused (503) after 2 s of waiting.
    #[must_use]
    pub fn on<How, R>(self, name: impl Into<String>, handler: impl Fn(Event) -> R + Send + Sync + 'static) -> Endpoint
    where
        R: Answer<How> + 'static,
    {
        self.handlers.on(name.into(), handler);
        self
    }

    /// Adds what this returns to what `GET /metrics` answers: whole lines of Prometheus's text format 0.0.4, under names of
    /// their own. It is awaited in the endpoint's thread.
    #[must_use]
    pub fn metrics<F>(mut self, more: impl Fn() -> F + Send + Sync + 'static) -> Endpoint
    where
        F: Future<Output = String> + Send + 'static,
    {
        self.metrics = Some(Arc::new(move || Box::pin(more())));
        self
    }

    /// Says things to whoever reads `GET /events`.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Its handlers of events, also while it runs.
    pub(crate) fn handlers(&self) -> Handlers {
        self.handlers.clone()
    }

    fn listen(mut self, address: SocketAddr) -> Endpoint {
        if address.ip().is_loopback() {
            self.address = Some(address);
            return self;
        }
        self.refuse(address, "only addresses of this machine alone may be listened on, such as `127.0.0.1` and `[::1]`")
    }

    fn refuse(mut self, address: impl fmt::Display, cause: &str) -> Endpoint {
        self.mistake = Some(format!("failed to listen on `{address}`: {cause}"));
        self
    }

    /// Opens the sockets; what was made is removed where that fails.
    fn open(&self, plan: &AttachContext) -> Result<Bound, String> {
        let owner = Owner {
            user: plan.user().unwrap_or_else(|| nix::unistd::geteuid().as_raw()),
            group: plan.group(),
            shared_with: self.group,
        };
        let port = self.address.map(listen).transpose()?;
        let address = port.as_ref().map(TcpListener::local_addr).transpose().map_err(|error| error.to_string())?;
        let token = match address {
            Some(_) if !self.open => Some(Token::random().map_err(|error| format!("failed to make a token: {error}"))?),
            _ => None,
        };
        let mut place = Place::of(plan.name(), plan.pidfile());
        let socket = place.furnish(&owner, token.as_ref())?;
        let rules = Rules {
            owner: owner.user,
            groups: self.group.into_iter().collect(),
            token,
            hosts: address.map(access::hosts).unwrap_or_default(),
            has_page: self.page.is_some(),
        };
        Ok(Bound { place, socket, port, rules, url: address.map(|address| format!("http://{address}")) })
    }

    fn service(&self, daemon: Handle, rules: Rules, place: &Place, url: Option<String>) -> Service {
        Service {
            daemon,
            life: Arc::clone(&self.life),
            rules,
            handlers: self.handlers.clone(),
            publisher: self.publisher.clone(),
            page: self.page.clone(),
            policy: self.policy.clone().unwrap_or(routes::POLICY),
            version: self.version.clone(),
            routes: self.routes.clone(),
            metrics: self.metrics.clone(),
            requests: Requests::default(),
            path: place.url(),
            port: url,
        }
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| format!("failed to listen on `{address}`: {error}"))
}

impl Attachment for Endpoint {
    fn check(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone().into());
        }
        if let Some(path) = self.routes.as_ref().and_then(shadowed_routes::shadowed) {
            return Err(format!("failed to add the route `{path}`: the endpoint itself answers it").into());
        }
        Ok(Place::of(plan.name(), plan.pidfile()).check()?)
    }

    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let bound = self.open(plan)?;
        let mut prepared = Prepared::default();
        prepared.addresses = [Some(bound.place.url()), bound.url.clone()].into_iter().flatten().collect();
        prepared.descriptors.push(bound.socket.as_raw_fd());
        prepared.descriptors.extend(bound.port.as_ref().map(AsRawFd::as_raw_fd));
        *lock(&self.stage) = Stage::Bound(bound);
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        let mut stage = lock(&self.stage);
        match std::mem::take(&mut *stage) {
            Stage::Bound(bound) => {
                let Bound { place, socket, port, rules, url } = bound;
                let service = self.service(daemon, rules, &place, url);
                *stage = Stage::Serving(place, Server::start(socket, port, service)?);
                Ok(())
            }
            _ => Err("the endpoint was not prepared".into()),
        }
    }

    fn phase(&self, phase: Phase) {
        self.life.turns(phase);
        let state = match phase {
            Phase::Ready => "running",
            Phase::Reloading => "reloading",
            _ => "stopping",
        };
        self.publisher.publish("state", &json!({ "state": state }));
    }

    fn end(&self) {
        let stage = std::mem::take(&mut *lock(&self.stage));
        match stage {
            Stage::Planned => {}
            Stage::Bound(bound) => bound.place.remove(),
            Stage::Serving(place, server) => {
                // First of all: the end may be cut short while answers are waited for.
                place.remove();
                server.end();
            }
        }
    }
}

impl From<&str> for Endpoint {
    /// An endpoint with this [`address`](Endpoint::address).
    fn from(address: &str) -> Endpoint {
        Endpoint::tcp(address)
    }
}

impl From<String> for Endpoint {
    /// An endpoint with this [`address`](Endpoint::address).
    fn from(address: String) -> Endpoint {
        Endpoint::tcp(&address)
    }
}

impl From<SocketAddr> for Endpoint {
    /// An endpoint with this [`address`](Endpoint::address).
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint::new().listen(address)
    }
}

impl From<Router> for Endpoint {
    /// An endpoint with these [`routes`](Endpoint::routes).
    fn from(routes: Router) -> Endpoint {
        Endpoint::new().routes(routes)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { address, open, group, handlers, .. } = self;
        f.debug_struct("Endpoint")
            .field("address", address)
            .field("without_token", open)
            .field("group", group)
            .field("handlers", handlers)
            .finish_non_exhaustive()
    }
}
