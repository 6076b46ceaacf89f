//! A daemon that does nothing, with an endpoint: `endpoint start|foreground|stop PIDFILE`. It serves the same routes as
//! `bare_axum`, on its socket and on a port.

use std::process::ExitCode;
use std::time::Duration;

use daemon::Daemon;
use daemon::control::axum::{Router, routing::get};
use daemon::control::{Endpoint, Event};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, verb, pidfile] = &arguments[..] else { panic!("endpoint start|foreground|stop PIDFILE") };
    let daemon = Daemon::new("endpoint").pidfile(pidfile);
    let outcome = match verb.as_str() {
        "start" => daemon.attach(endpoint()).run(body).start().map(drop),
        // For valgrind, which does not support the system calls of a start.
        "foreground" => daemon.attach(endpoint()).run(body).foreground().map(|never| match never {}),
        "stop" => daemon.stop().map(drop),
        other => panic!("which verb? {other}"),
    };
    outcome.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}

fn endpoint() -> Endpoint {
    Endpoint::tcp("127.0.0.1:0")
        .on("ack", async |event: Event| reply(&event))
        .on("work", |event: Event| reply(&event))
        .routes(Router::new().route("/hello", get(async || "hello\n")))
}

fn reply(event: &Event) -> Value {
    json!({ "acknowledged": event["number"] })
}

fn body() {
    while !daemon::stopping() {
        daemon::sleep(Duration::from_secs(3600));
    }
}
