//! Being the only one.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use daemon::control::axum::{Router, routing::get};
use daemon::control::serde_json::{Value, json};
use daemon::control::{Error, Event, Instance, Launch, Opened, Running};

/// An instance whose later launches hand over their arguments and their directory, which it notes.
pub(crate) fn open() -> Result<(), Error> {
    let directory = std::env::args_os().nth(2).expect("a directory");
    let instance = Instance::new("open").app_dir(directory).on("open", |event: Event| {
        line(&format!("{:?}", Opened::of(&event)));
        json!({})
    });
    match instance.run_or_send("open", Opened::here())? {
        Launch::Primary(running) => {
            line(&format!("primary {} {}", std::process::id(), running.address()));
            running.wait();
        }
        Launch::Forwarded(_) => {}
    }
    Ok(())
}

/// An instance with some handlers. How it ends is a setting: `end=wait` (the default), `drop`, `sleep`, `forever`; `live` goes
/// on without it, also where it could not start, `again` as another one, and
/// `both` with another one; `stop` stops it. With `stop=waits` its end waits for the file `go`, with `stop=panics` it panics.
pub(crate) fn hold(directory: &str, settings: &[&str]) -> Result<(), Error> {
    let setting = |key: &str| settings.iter().find_map(|setting| setting.strip_prefix(key)?.strip_prefix('='));
    let mut instance = instance(directory);
    if let Some(address) = setting("address") {
        instance = instance.address(address);
    }
    if setting("token") == Some("no") {
        instance = instance.without_token();
    }
    if let Some(patience) = setting("patience") {
        instance = instance.patience(Duration::from_millis(patience.parse().expect("milliseconds")));
    }
    if setting("stop") == Some("waits") {
        instance = instance.on_stop(|| {
            line("on_stop begins");
            let go = look::in_lab("go");
            let deadline = look::Deadline::after(Duration::from_secs(20));
            look::until(&go, deadline, || go.exists().then_some(())).expect("a sign to go");
        });
    }
    if setting("stop") == Some("panics") {
        instance = instance.on_stop(|| panic!("no pen"));
    }
    if setting("end") == Some("forever") {
        return instance.run_forever();
    }
    let live = || -> ! {
        line("goes on");
        loop {
            thread::sleep(Duration::from_secs(1000));
        }
    };
    let started = instance.start();
    if started.is_err() && setting("end") == Some("live") {
        live();
    }
    if setting("end") == Some("stop") {
        started?.stop();
        return Ok(());
    }
    let running = Arc::new(started?);
    line(&format!("primary {} {}", std::process::id(), running.address()));
    let weak = Arc::downgrade(&running);
    running.on("switch", move |event: Event| {
        let running: Arc<Running> = weak.upgrade().expect("it runs");
        match event["to"].as_str().map(str::to_owned) {
            Some(to) => running.on("switched", move |_| json!({ "to": to })),
            None => drop(running.off("switched")),
        }
    });
    match setting("end").unwrap_or("wait") {
        "wait" => running.wait(),
        "sleep" => loop {
            thread::sleep(Duration::from_secs(1000));
        },
        "live" => {
            drop(running);
            live();
        }
        "again" => {
            drop(running);
            let _running = self::instance(directory).start()?;
            live();
        }
        "both" => {
            let _other = self::instance("other").start()?;
            live();
        }
        "drop" => {}
        other => panic!("no such end: {other}"),
    }
    drop(running);
    line("goes on");
    Ok(())
}

/// The first stays; every other one tells it its name.
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
        .off("gone")
        .routes(routes)
        .on_start(|| line("on_start"))
        .on_stop(|| line("on_stop"))
}

/// Tells one thing, in the file `log` of the lab.
pub(crate) fn line(text: &str) {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(look::in_lab("log"));
    log.expect("a file of the lab").write_all(format!("{text}\n").as_bytes()).expect("a line");
}
