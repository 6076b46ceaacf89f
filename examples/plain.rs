//! A daemon without attributes: the builder and its verbs.
//!
//! `cargo run --example plain -- start | stop | status | restart`

use daemon::{Daemon, Signal};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let verb = std::env::args().nth(1).unwrap_or_default();
    run_command(&verb).unwrap_or_else(|error| error.report())
}

fn run_command(verb: &str) -> daemon::Result<ExitCode> {
    let plain =
        Daemon::new("plain").stdout(log()).stderr(log()).handle(Signal::SIGHUP, || println!("log opened again"));
    match verb {
        "start" => println!("started pid {}", plain.run(work).start()?.pid),
        "restart" => println!("restarted as pid {}", plain.run(work).restart()?.pid),
        "stop" => println!("{}", plain.stop()?),
        "status" => {
            let status = plain.status()?;
            println!("{status}");
            return Ok(ExitCode::from(status.exit_code()));
        }
        _ => {
            eprintln!("usage: plain start | stop | status | restart");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn work() {
    println!("at work");
    while daemon::sleep(Duration::from_secs(1)) {
        println!("still at work");
    }
    println!("done");
}

fn log() -> std::path::PathBuf {
    std::env::temp_dir().join("plain.log")
}
