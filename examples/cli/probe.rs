//! A probe for container runtimes: asks a daemon's endpoint for its state, and fails unless it is ready.
//!
//! `probe serviced` in the container, by its user.

use daemon::Daemon;
use daemon::control::Client;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        eprintln!("usage: probe NAME");
        return ExitCode::from(2);
    };
    match Client::of(&Daemon::new(name)).timeout(Duration::from_secs(2)).get("/status") {
        Ok(status) if status["state"] == "running" || status["state"] == "reloading" => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("not ready: {}", status["state"]);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
