//! Starts a daemon inside an async runtime, `current` or `multi`, which is refused; or runs one there in the
//! `foreground`, which is allowed: `RUNTIME [foreground [async | user]]`.

use std::process::ExitCode;
use std::time::Duration;

use daemon::{Daemon, Error};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Err(error) = (match arguments.as_slice() {
        ["current", rest @ ..] => current(rest),
        ["multi", rest @ ..] => multi(rest),
        other => panic!("which runtime? {other:?}"),
    }) else {
        return ExitCode::SUCCESS;
    };
    error.report()
}

#[tokio::main(flavor = "current_thread")]
async fn current(how: &[&str]) -> Result<(), Error> {
    launch(how)
}

#[tokio::main]
async fn multi(how: &[&str]) -> Result<(), Error> {
    // The threads of the runtime may not exist before a task has run.
    tokio::spawn(async {}).await.expect("a task");
    launch(how)
}

fn launch(how: &[&str]) -> Result<(), Error> {
    let daemon = Daemon::new("runtime").pidfile("d.pid");
    match how {
        [] => daemon.run(|| ()).start().map(drop),
        ["foreground"] => match daemon.run(idle).foreground()? {},
        ["foreground", "user"] => match daemon.user("nobody").run(idle).foreground()? {},
        ["foreground", "async"] => match daemon.run_async(idle_async).foreground()? {},
        other => panic!("which way? {other:?}"),
    }
}

/// Spawns a task, which the outer runtime runs if it has other threads.
fn idle() {
    println!("begun");
    while daemon::sleep(Duration::from_secs(3600)) {}
}

async fn idle_async() {
    tokio::spawn(async { println!("begun") }).await.expect("a task");
    daemon::stopped().await;
}
