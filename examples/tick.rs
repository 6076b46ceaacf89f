//! A step: called four times a second until it has counted to ten or is stopped, and lent its state each time.
//!
//! `cargo run --example tick -- start`, then `-- stop`; it writes to `tick.log` in the directory for temporary files.

use std::ops::ControlFlow;
use std::process::ExitCode;

struct Clock {
    ticks: u32,
}

#[daemon::step(every = "250ms", stdout = log(), stderr = log())]
fn tick(clock: &mut Clock, sound: &str) -> ControlFlow<()> {
    clock.ticks += 1;
    println!("{sound} {}", clock.ticks);
    if clock.ticks == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn log() -> std::path::PathBuf {
    std::env::temp_dir().join("tick.log")
}

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("start") => tick(Clock { ticks: 0 }, "tick").map(|started| format!("started pid {}", started.pid)),
        Some("stop") => tick::stop().map(|stopped| stopped.to_string()),
        _ => Ok("usage: tick start | stop".into()),
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => return error.report(),
    }
    ExitCode::SUCCESS
}
