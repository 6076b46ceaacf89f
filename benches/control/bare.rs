//! A bare axum server with the routes of the endpoint, without access checks and limits:
//! `bare_axum unix PATH` or `bare_axum tcp`. Prints its address when it listens.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::{TcpListener, UnixListener};

/// Answers an event; `work` runs on a thread of its own.
type Handler = fn(&Value) -> Value;

/// The state of the server.
struct About {
    began: Instant,
    address: String,
    handlers: HashMap<&'static str, Handler>,
}

fn main() {
    // As many handlers as in the endpoint: more threads would compete for the processor.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(8).build();
    let runtime = runtime.expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    runtime.block_on(async {
        match arguments[..] {
            ["unix", path] => {
                let listener = UnixListener::bind(path).expect("a path that is free");
                axum::serve(listener, routes(format!("unix://{path}"))).await
            }
            ["tcp"] => {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port that is free");
                let address = listener.local_addr().expect("its own address").to_string();
                let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket of TCP"));
                axum::serve(listener, routes(address)).await
            }
            _ => panic!("bare_axum unix PATH, or bare_axum tcp"),
        }
        .expect("a server that serves");
    });
}

fn routes(address: String) -> Router {
    println!("{address}");
    std::io::stdout().flush().expect("a reader of stdout");
    let handlers: HashMap<&'static str, Handler> = HashMap::from([("ack", reply as Handler), ("work", reply)]);
    let about = Arc::new(About { began: Instant::now(), address, handlers });
    Router::new()
        .route("/", get(root))
        .route("/event", post(event))
        .route("/hello", get(async || "hello\n"))
        .with_state(about)
}

async fn root(State(about): State<Arc<About>>) -> Json<Value> {
    Json(json!({
        "success": true,
        "name": "endpoint",
        "pid": std::process::id(),
        "app_dir": "/",
        "address": about.address,
        "uptime": about.began.elapsed().as_secs_f64(),
        "state": "running",
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

async fn event(State(about): State<Arc<About>>, Json(event): Json<Value>) -> Json<Value> {
    let name = event["name"].as_str().unwrap_or_default();
    let Some(&handler) = about.handlers.get(name) else {
        return Json(json!({ "success": false, "message": format!("no handler found for {name}") }));
    };
    let replied = if name == "work" {
        tokio::task::spawn_blocking(move || handler(&event)).await.expect("a handler that does not panic")
    } else {
        handler(&event)
    };
    let mut answer = json!({ "success": true });
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), replied) {
        answer.extend(more);
    }
    Json(answer)
}

fn reply(event: &Value) -> Value {
    json!({ "acknowledged": event["number"] })
}
