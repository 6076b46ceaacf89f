//! Clients of instances and daemons.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use daemon::control::serde_json::{Value, from_str, json};
use daemon::control::{AsyncClient, Client, Error};

use crate::instance::{self, line};

/// Calls an instance.
pub(crate) fn of_instance(directory: &str, call: &[&str]) -> Result<(), Error> {
    let instance = instance::instance(directory);
    match call {
        ["get", route] => print(&instance.get(route)?),
        ["send", route, body] => print(&instance.send(route, value(body))?),
        ["event", name, data] => print(&instance.client()?.event(name, value(data))?),
        ["stop"] => print(&instance.stop()?),
        ["running"] => println!("{:?}", instance.running()?),
        ["pid"] => println!("{:?}", instance.pid()?.map(daemon::Pid::as_raw)),
        ["start"] => {
            let error = instance.start().expect_err("there is another one");
            let first = error.client().map(|client| client.event("echo", json!({"what": "you"})));
            println!("{:?} {}", error.kind(), first.expect("a client of the first")?);
        }
        other => panic!("no such call: {other:?}"),
    }
    Ok(())
}

/// Calls a daemon, with a timeout of 2 s.
pub(crate) fn blocking(pidfile: &str, call: &[&str]) -> Result<(), Error> {
    let client = Client::at(pidfile).timeout(Duration::from_secs(2));
    match call {
        ["get", route] => print(&client.get(route)?),
        ["status"] => print(&client.status()?),
        ["send", route, body] => print(&client.send(route, value(body))?),
        ["event", name, data] => print(&client.event(name, value(data))?),
        ["stop"] => print(&client.stop()?),
        ["reload"] => print(&client.reload()?),
        ["restart"] => print(&client.restart()?),
        other => panic!("no such call: {other:?}"),
    }
    Ok(())
}

/// Calls a daemon with the asynchronous client.
pub(crate) fn asynchronous(pidfile: &str, call: &[&str]) -> Result<(), Error> {
    let client = AsyncClient::at(pidfile).timeout(Duration::from_secs(2));
    runtime().block_on(async {
        match call {
            ["get", route] => print(&client.get(route).await?),
            ["status"] => print(&client.status().await?),
            ["send", route, body] => print(&client.send(route, value(body)).await?),
            ["event", name, data] => print(&client.event(name, value(data)).await?),
            ["stop"] => print(&client.stop().await?),
            ["reload"] => print(&client.reload().await?),
            ["restart"] => print(&client.restart().await?),
            other => panic!("no such call: {other:?}"),
        }
        Ok(())
    })
}

/// Calls a daemon with a blocking client in a runtime of this kind (`none`, `current` or `multi`). Asserts that the calls leave no
/// thread and no descriptor, except the socket of an open stream.
pub(crate) fn in_runtime(pidfile: &str, kind: &str) -> Result<(), Error> {
    let pidfile = pidfile.to_owned();
    match kind {
        "none" => without_traces(&pidfile),
        "current" => runtime().block_on(async { without_traces(&pidfile) }),
        _ => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            // On a worker thread, not on the thread of `block_on`.
            let call = async move { tokio::spawn(async move { without_traces(&pidfile) }).await };
            runtime.expect("a runtime").block_on(call).expect("no panic")
        }
    }
}

fn without_traces(pidfile: &str) -> Result<(), Error> {
    let before = traces();
    let client = Client::at(pidfile);
    print(&client.get("/")?);
    print(&client.event("echo", json!({"what": 1}))?);
    let error = client.get("/nowhere").expect_err("there is no such route");
    println!("{:?}", error.kind());
    let error = Client::at("none.pid").get("/").expect_err("there is no such daemon");
    println!("{:?}", error.kind());
    let mut events = client.events()?;
    client.event("publish", json!({"what": 2}))?;
    while events.next_within(Duration::from_secs(10))?.expect("an event").name != "told" {}
    let mut open = traces();
    let socket = open.1.iter().position(|target| !before.1.contains(target)).map(|found| open.1.remove(found));
    assert!(socket.is_some_and(|target| target.starts_with("socket:")) && open == before, "{before:?} {open:?}");
    drop(events);
    assert_eq!(traces(), before);
    println!("no traces");
    Ok(())
}

/// Returns the threads and the open descriptors of this process.
fn traces() -> (Vec<String>, Vec<String>) {
    let list = |directory: &str| {
        let entries = std::fs::read_dir(directory).expect("/proc").map(|entry| entry.expect("an entry").path());
        entries.collect::<Vec<_>>()
    };
    let threads = list("/proc/self/task").iter().map(|path| path.display().to_string()).collect();
    // Without the descriptor of the directory itself.
    let targets = list("/proc/self/fd").into_iter().filter_map(|path| std::fs::read_link(path).ok());
    let mut targets: Vec<String> = targets.map(|target| target.display().to_string()).collect();
    targets.sort();
    (threads, targets)
}

/// Starts a daemon in a process that was a client before.
pub(crate) fn start_after_calls(pidfile: &str, other: &str) -> Result<(), Error> {
    let client = Client::at(pidfile);
    print(&client.get("/")?);
    client.events()?.next_within(Duration::from_secs(10))?;
    let later = daemon::Daemon::new("later").pidfile(other).run(|| while daemon::sleep(Duration::from_secs(1000)) {});
    println!("{}", later.start().map_or_else(|error| error.to_string(), |_| "started".to_owned()));
    Ok(())
}

/// Sets the maximum timeout wherever one can be set, and stops the daemon.
pub(crate) fn forever(pidfile: &str) -> Result<(), Error> {
    let client = Client::at(pidfile).timeout(Duration::MAX);
    print(&client.get("/")?);
    let mut events = client.events()?;
    print(&client.event("publish", json!({"what": "x"}))?);
    while let Some(published) = events.next_within(Duration::MAX)? {
        println!("{}", published.name);
        if published.name == "told" {
            break;
        }
    }
    // Neither the client nor its address may reveal a token in a log.
    println!("{events:?} {client:?}");
    let client = client.to_async();
    runtime().block_on(async {
        let mut events = client.events().await?;
        events.next().await.transpose()?;
        print(&client.stop().await?);
        println!("{events:?} {client:?}");
        Ok(())
    })
}

/// Sends events from many threads, and prints the sum of the replies.
pub(crate) fn many(pidfile: &str, threads: usize, calls: usize) -> Result<(), Error> {
    let sum = AtomicU64::new(0);
    thread::scope(|scope| {
        let work = |_| {
            scope.spawn(|| {
                let client = Client::at(pidfile);
                for _ in 0..calls {
                    let count = client.event("count", Value::Null)?["count"].as_u64().expect("a count");
                    sum.fetch_add(count, Ordering::Relaxed);
                }
                Ok::<(), Error>(())
            })
        };
        let all: Vec<_> = (0..threads).map(work).collect();
        all.into_iter().try_for_each(|one| one.join().expect("no panic"))
    })?;
    println!("sum {}", sum.load(Ordering::Relaxed));
    Ok(())
}

/// Prints published events, up to a number or until the daemon exits.
pub(crate) fn events(pidfile: &str, kind: &str, count: usize) -> Result<(), Error> {
    match kind {
        "blocking" => {
            let events = Client::at(pidfile).events()?;
            line("listens");
            for published in events.take(count) {
                let published = published?;
                println!("{} {}", published.name, published.data);
            }
        }
        "patient" => {
            let mut events = Client::at(pidfile).events()?;
            while let Some(published) = events.next_within(Duration::from_millis(300))? {
                println!("{} {}", published.name, published.data);
            }
            println!("ended {}", events.has_ended());
        }
        _ => runtime().block_on(async {
            let mut events = AsyncClient::at(pidfile).events().await?;
            line("listens");
            for _ in 0..count {
                let Some(published) = events.next().await.transpose()? else { break };
                println!("{} {}", published.name, published.data);
            }
            Ok::<(), Error>(())
        })?,
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn value(text: &str) -> Value {
    from_str(text).expect("JSON")
}

fn print(value: &Value) {
    println!("{value}");
}
