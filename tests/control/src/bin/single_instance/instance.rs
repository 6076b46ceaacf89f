//! The instance of the tests, and programs that become the instance or reach the running one.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use daemon::control::axum::{Router, routing::get};
use daemon::control::serde_json::{Value, json};
use daemon::control::{Activation, Error, Event, Instance, Launch};

/// Becomes an instance that logs the arguments and the directory of later launches, or passes its own to the running instance.
pub(crate) fn open() -> Result<(), Error> {
    let directory = std::env::args_os().nth(2).expect("a directory");
    let instance = Instance::new("open").app_dir(directory).on("open", |event: Event| {
        line(&format!("{:?}", Activation::of(&event)));
        json!({})
    });
    match instance.run_or_send("open", Activation::here())? {
        Launch::Primary(running) => {
            line(&format!("primary {} {}", std::process::id(), running.address()));
            running.wait();
        }
        Launch::Forwarded(_) => {}
    }
    Ok(())
}

/// Becomes the instance until it is stopped, or sends its name to the running instance.
pub(crate) fn launch(directory: &str, name: &str) -> Result<(), Error> {
    match instance(directory).run_or_send("arrived", json!({ "who": name }))? {
        Launch::Primary(running) => {
            line(&format!("primary {}", std::process::id()));
            println!("primary {}", std::process::id());
            running.wait();
        }
        Launch::Forwarded(reply) => println!("forwarded {} {}", reply["first"], reply["who"]),
    }
    Ok(())
}

/// Returns the instance of a directory, with its handlers and a route. `default` is the default directory of its name.
pub(crate) fn instance(directory: &str) -> Instance {
    let instance = Instance::new("only");
    let instance = if directory == "default" { instance } else { instance.app_dir(directory) };
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let routes = Router::new().route("/custom", get(|| async { "a route of its own" }));
    instance
        .on("echo", |event: Event| json!({ "echo": event["what"] }))
        .on("arrived", |event: Event| {
            line(&format!("arrived {}", event["who"].as_str().unwrap_or_default()));
            json!({ "first": std::process::id(), "who": event["who"] })
        })
        .on("count", move |_| json!({ "count": counted.fetch_add(1, Ordering::Relaxed) + 1 }))
        .on("fail", |_| Err::<Value, _>("out of luck"))
        .on("panic", |event: Event| assert!(event["name"] == "no", "TOPSECRET"))
        .on("slow", |_| {
            line("slow begins");
            thread::sleep(Duration::from_secs(6));
        })
        .on("gone", |_| json!({}))
        .remove_handler("gone")
        .routes(routes)
        .on_start(|| line("on_start"))
        .on_stop(|| line("on_stop"))
}

/// Appends a line to the file `log` of the lab.
pub(crate) fn line(text: &str) {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(look::in_lab("log"));
    log.expect("a file of the lab").write_all(format!("{text}\n").as_bytes()).expect("a line");
}
