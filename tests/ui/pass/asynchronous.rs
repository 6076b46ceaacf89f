//! Functions that await, under all three attributes.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use std::ops::ControlFlow;
use std::time::Duration;

use daemon::messages::{Delivery, Requeue};

struct State {
    beats: u32,
}

#[daemon::run(runtime = current_thread, ready = manual)]
async fn serve(port: u16, name: &'static str) -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::UnixListener::bind(format!("{name}-{port}"))?;
    daemon::ready()?;
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move { stream.readable().await });
    }
    Ok(())
}

#[daemon::run(worker_threads = 2)]
async fn endless() -> ! {
    loop {
        daemon::sleep_async(Duration::from_secs(1)).await;
    }
}

#[daemon::step(every = "1s")]
async fn beat(state: &mut State, step: u32) -> ControlFlow<()> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    state.beats += step;
    if state.beats > 1_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

async fn next_job() -> std::io::Result<Option<Delivery<u32, Requeue<u32>>>> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(Some(Delivery::requeue_on_failure(3, |_, _| ())))
}

#[daemon::message(from = next_job, pool_size = 1_000, runtime = multi_thread)]
async fn handle(job: u32) -> Result<(), String> {
    tokio::time::sleep(Duration::from_millis(job.into())).await;
    Ok(())
}

#[daemon::message(from = || Some("at once"))]
async fn print(text: &'static str) {
    println!("{text}");
}

fn verbs() -> daemon::Result<()> {
    serve(80, "web")?;
    endless()?;
    beat(State { beats: 0 }, 1)?;
    handle::start()?;
    print::start()?;
    let _calls = async {
        let _ = serve::call(80, "web").await;
        let _ = beat::call(&mut State { beats: 0 }, 3).await;
        let _ = handle(3).await;
    };
    serve::stop().map(drop)
}

fn main() {
    let _ = verbs;
}
