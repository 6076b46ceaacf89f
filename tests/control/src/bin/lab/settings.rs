//! The settings of the daemon and its endpoint, as a test passes them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use daemon::control::axum::Router;
use daemon::control::axum::body::Body;
use daemon::control::axum::http::StatusCode;
use daemon::control::axum::response::AppendHeaders;
use daemon::control::axum::routing::{get, post};
use daemon::control::serde_json::{Value, json};
use daemon::control::{Endpoint, Event, Publisher};
use daemon::{Daemon, Signal};

use crate::bodies;

/// The settings `key=value`; each key occurs once.
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Settings {
        let pair = |argument: String| {
            let (key, value) = argument.split_once('=').unwrap_or_else(|| panic!("`{argument}` is not a setting"));
            (key.to_owned(), value.to_owned())
        };
        Settings(arguments.map(pair).collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn milliseconds(&self, key: &str) -> Option<Duration> {
        self.get(key).map(|time| Duration::from_millis(time.parse().expect("milliseconds")))
    }

    pub(crate) fn daemon(&self) -> Daemon {
        let mut daemon = Daemon::new("lab");
        if self.get("pidfile") != Some("default") {
            daemon = daemon.pidfile(self.get("pidfile").unwrap_or("d.pid"));
        }
        daemon = daemon.stdout("out").stderr("err").handle(Signal::SIGHUP, || line("hup"));
        if let Some(user) = self.get("user") {
            daemon = daemon.user(user);
        }
        if let Some(root) = self.get("chroot") {
            daemon = daemon.chroot(root);
        }
        if let Some(time) = self.milliseconds("grace") {
            daemon = daemon.grace(time);
        }
        if let Some(mask) = self.get("umask") {
            daemon = daemon.umask(u32::from_str_radix(mask, 8).expect("an octal number"));
        }
        daemon
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let mut endpoint = self.get("tcp").map_or_else(Endpoint::new, Endpoint::tcp);
        if self.get("token") == Some("no") {
            endpoint = endpoint.without_token();
        }
        if let Some(group) = self.get("group") {
            endpoint = endpoint.group(group.parse().expect("a number"));
        }
        if let Some(page) = self.get("page") {
            endpoint = endpoint.page(page);
        }
        if let Some(policy) = self.get("policy") {
            endpoint = endpoint.page_policy(policy);
        }
        if let Some(version) = self.get("version") {
            endpoint = endpoint.version(version).metrics(|| async { "lab_more 7\n".to_owned() });
        }
        let publisher = endpoint.publisher();
        endpoint = with_events(endpoint, publisher);
        match self.get("routes") {
            None => endpoint.routes(routes()),
            Some(path) => endpoint.routes(routes().route(path, get(|| async { "mine" }))),
        }
    }

    pub(crate) fn body(&self, daemon: Daemon, here: bool) -> daemon::Result<()> {
        let daemon = daemon.run(bodies::named(self.get("body").unwrap_or("idle")));
        if here {
            return daemon.foreground().map(|never| match never {});
        }
        daemon.start().map(print_pid)
    }
}

/// Prints the pid of the started daemon.
#[allow(clippy::needless_pass_by_value)] // `Result::map` passes a value.
fn print_pid(started: daemon::Started) {
    println!("started {}", started.pid);
}

fn with_events(endpoint: Endpoint, publisher: Publisher) -> Endpoint {
    endpoint
        .on("echo", Event::into_value)
        .on("later", |event| async move { json!({ "later": event["x"] }) })
        .on("fail", |_| Err::<(), _>("it failed"))
        .on("panic", |event: Event| assert!(event["x"] == 1, "TOPSECRET"))
        .on("bad\u{1b}[2J\r\nINFO: all is well", |event: Event| assert!(event["x"] == 1, "TOPSECRET"))
        .on("slow", |event| thread::sleep(Duration::from_millis(event["ms"].as_u64().unwrap_or(0))))
        .on("publish", move |event| json!({ "readers": publisher.publish("said", &event["what"]) }))
        .on("meet", meet)
        .on("odd\"name\n", |_| Value::Null)
}

/// Waits until `count` handlers run, or until the lab has a file `met`.
#[allow(clippy::needless_pass_by_value)] // As a handler is called.
fn meet(event: Event) -> Result<(), &'static str> {
    static HERE: AtomicU64 = AtomicU64::new(0);
    HERE.fetch_add(1, SeqCst);
    let count = event["count"].as_u64().unwrap_or(0);
    let begun = Instant::now();
    while HERE.load(SeqCst) < count && !look::in_lab("met").exists() {
        if begun.elapsed() > Duration::from_secs(8) {
            return Err("the other handlers do not start");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn routes() -> Router {
    Router::new()
        .route("/own/refuses", get(|| async { (StatusCode::NOT_FOUND, "no") }))
        .route("/own", get(|| async { "own" }).post(|body: String| async move { body }))
        .route("/own/panic", get(fail))
        .route("/own/large", get(|| async { "x".repeat(300_000) }))
        .route("/own/stream", get(stream))
        .route("/own/framing", get(framing))
        .route(
            "/own/lengths",
            get(|| async { (AppendHeaders([("content-length", "6"), ("content-length", "3")]), "framed") }),
        )
        .route("/own/bytes", post(|body: Body| async move { body }))
}

/// Panics, as a route with a bug does.
async fn fail() {
    panic!("TOPSECRET")
}

/// Sets connection headers that make the length of its response ambiguous.
async fn framing() -> ([(&'static str, &'static str); 5], &'static str) {
    let headers = [
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("date", "yesterday"),
    ];
    (headers, "framed")
}

/// A body of unknown length.
async fn stream() -> Body {
    Body::new(Chunks(3))
}

struct Chunks(u8);

impl daemon::control::axum::body::HttpBody for Chunks {
    type Data = daemon::control::axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        let left = self.0.checked_sub(1);
        std::task::Poll::Ready(left.map(|left| {
            self.0 = left;
            Ok(http_body::Frame::data(format!("chunk {left}\n").into()))
        }))
    }
}

/// Appends a line to the file `log` of the lab, in one call, so that a test that reads meanwhile sees all of it or none.
pub(crate) fn line(text: &str) {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(look::in_lab("log"));
    log.expect("a file of the lab").write_all(format!("{text}\n").as_bytes()).expect("a line");
}
