//! Everything that `control` may be, on all three attributes, and what the companion gains by it.

#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use daemon::control::axum::{Router, routing::get};
use daemon::control::serde_json::{Value, json};
use daemon::control::{Client, Endpoint};

const ADDRESS: &str = "127.0.0.1:0";

#[daemon::run(control)]
fn bare() {}

#[daemon::run(control, umask = 0o022)]
pub fn with_more(port: u16) {
    let _ = port;
}

#[daemon::step(control = "[::1]:0")]
fn addressed() {}

#[daemon::step(every = "1s", control = ADDRESS)]
fn named() {}

#[daemon::message(from = || None::<u8>, control = endpoint())]
fn built(_: u8) {}

#[daemon::run(
    control = Endpoint::from(ADDRESS)
        .on("add", |event| json!({ "sum": event["a"].as_i64().unwrap_or(0) + event["b"].as_i64().unwrap_or(0) }))
        .on("later", |event| async move { Ok::<_, std::io::Error>(event.into_value()) })
)]
fn handling() {}

#[daemon::run(control = Router::new().route("/own", get(|| async { "own" })))]
fn routing() {}

#[daemon::run(control = std::net::SocketAddr::from(([127, 0, 0, 1], 0)), companion = Other)]
fn companion() {}

mod shadowing {
    #![allow(dead_code)]
    struct Endpoint;
    mod control {}
    trait From {}

    #[daemon::run(control = "127.0.0.1:0", crate = ::daemon)]
    fn from() {}
}

fn endpoint() -> Endpoint {
    Endpoint::new().without_token().group(7).page("<p>hello").on("nothing", |_| ())
}

fn main() {
    let client: fn() -> Client = with_more::client;
    let event: fn(&str, Value) -> daemon::control::Result<Value> = |name, data| built::event(name, data);
    let start: fn(u16) -> daemon::Result<daemon::Started> = with_more;
    let _ = (client, event, start, Other::client, Other::stop);
    // No daemon runs here.
    assert!(bare::client().get("/").is_err() && handling::event("add", json!({})).is_err());
    let _ = (addressed::client, named::client, routing::client);
}
