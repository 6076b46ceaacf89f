//! An instance with user routes in the background of a program. It keeps a count from one run to the next.
//!
//! `cargo run -p daemonic-control-examples --bin advanced`, and the same command in another terminal: the second launch
//! increments the count of the first. `-- DIRECTORY` keeps the count in a directory other than `./advanced`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use daemon::control::axum::extract::{Json, State};
use daemon::control::axum::routing::{get, post};
use daemon::control::axum::{Router, http::StatusCode};
use daemon::control::serde_json::{Value, json};
use daemon::control::{Client, ErrorKind, Instance};

type Count = Arc<AtomicI64>;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "advanced".into()));
    let file = directory.join("count");
    let count = Count::default();
    let (loaded, kept, shown) = (count.clone(), count.clone(), count.clone());
    let (from, to) = (file.clone(), file);
    let advanced = Instance::new("advanced")
        .app_dir(directory)
        .address("127.0.0.1:0")
        .routes(routes(count))
        .on_start(move || {
            let text = fs::read_to_string(from).unwrap_or_default();
            loaded.store(text.trim().parse().unwrap_or(0), SeqCst);
        })
        .on_stop(move || {
            if let Err(error) = fs::write(to, format!("{}\n", kept.load(SeqCst))) {
                eprintln!("failed to keep the count: {error}");
            }
        });
    match advanced.start() {
        Ok(running) => {
            println!("count is {}, at {}; end it with ctrl-c", shown.load(SeqCst), running.address());
            // The work of the program goes here; `running` serves requests until it is dropped.
            running.wait();
            println!("count was {}", shown.load(SeqCst));
            Ok(())
        }
        Err(error) => match error.client() {
            Some(first) if matches!(error.kind(), ErrorKind::AlreadyRunning { .. }) => Ok(count_there(&first)?),
            _ => Err(error.into()),
        },
    }
}

fn routes(count: Count) -> Router {
    Router::new()
        .route("/count", get(|State(count): State<Count>| async move { value(count.load(SeqCst)) }))
        .route("/increment", post(increment))
        .route("/decrement", post(decrement))
        .with_state(count)
}

async fn increment(State(count): State<Count>, Json(body): Json<Value>) -> Result<Json<Value>, (StatusCode, String)> {
    let by = step(&body)?;
    Ok(value(count.fetch_add(by, SeqCst) + by))
}

async fn decrement(State(count): State<Count>, Json(body): Json<Value>) -> Result<Json<Value>, (StatusCode, String)> {
    let by = step(&body)?;
    Ok(value(count.fetch_sub(by, SeqCst) - by))
}

/// Returns the step of a request; the default is 1.
fn step(body: &Value) -> Result<i64, (StatusCode, String)> {
    let by = body.get("value").map_or(Some(1), Value::as_i64);
    by.ok_or_else(|| (StatusCode::BAD_REQUEST, "`value` is not a number".into()))
}

fn value(count: i64) -> Json<Value> {
    Json(json!({ "success": true, "value": count }))
}

/// Counts in the first process.
fn count_there(first: &Client) -> Result<(), daemon::control::Error> {
    println!("get /count -> {}", first.get("/count")?);
    println!("increment -> {}", first.send("/increment", json!({}))?);
    println!("increment by 2 -> {}", first.send("/increment", json!({ "value": 2 }))?);
    println!("decrement by 1 -> {}", first.send("/decrement", json!({ "value": 1 }))?);
    Ok(())
}
