//! The first daemon of the README.
//!
//! `cargo run --example sleepy -- start`, then `-- status`, `-- stop`

use std::process::ExitCode;
use std::time::Duration;

#[daemon::run(stdout = log(), stderr = log(), signals = { SIGTERM => log_goodbye })]
fn sleepy(idle: u64) {
    println!("good night");
    loop {
        daemon::sleep(Duration::from_secs(idle));
    }
}

fn log_goodbye() {
    println!("goodbye");
}

fn log() -> std::path::PathBuf {
    std::env::temp_dir().join("sleepy.log")
}

fn main() -> ExitCode {
    let verb = std::env::args().nth(1).unwrap_or_default();
    run_command(&verb).unwrap_or_else(|error| error.report())
}

fn run_command(verb: &str) -> daemon::Result<ExitCode> {
    match verb {
        "start" => tell("started", &sleepy(20)?),
        "restart" => tell("restarted", &sleepy::restart(20)?),
        "stop" => println!("{}", sleepy::stop()?),
        "run" => match sleepy::foreground(20)? {},
        "status" => {
            let status = sleepy::status()?;
            println!("{status}");
            return Ok(ExitCode::from(status.exit_code()));
        }
        _ => {
            eprintln!("usage: sleepy start | stop | restart | status | run");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(what: &str, sleepy: &daemon::Started) {
    println!("{what} as pid {}\npidfile {}\noutput  {}", sleepy.pid, sleepy.pidfile.display(), log().display());
}
