//! Arguments and signals: a greeter that says goodbye on SIGTERM, changes its mood on SIGUSR1 and SIGUSR2, and is deaf
//! to SIGQUIT.
//!
//! `cargo run --example wrapper -- start Ada 2`, then `-- signal USR1`, `-- stop`; it writes to `wrapper.log` in the
//! directory for temporary files.

use daemon::Signal;
use std::process::ExitCode;
use std::time::Duration;

#[daemon::run(
    stdout = log(),
    stderr = log(),
    signals = {
        SIGTERM => goodbye,
        USR1 => [|| println!("hooray"), |signal: Signal| println!("that was {signal}")],
        Signal::SIGUSR2 => || println!("sigh"),
        SIGQUIT => ignore,
    }
)]
fn wrapper(name: &str, every: u64) {
    println!("hello, {name}");
    while daemon::sleep(Duration::from_secs(every)) {
        println!("still here, {name}");
    }
    println!("farewell, {name}");
}

fn goodbye() {
    println!("goodbye");
}

fn log() -> std::path::PathBuf {
    std::env::temp_dir().join("wrapper.log")
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run_command(&words).unwrap_or_else(|error| error.report())
}

fn run_command(words: &[&str]) -> daemon::Result<ExitCode> {
    match *words {
        ["start", name, every] => println!("started pid {}", wrapper(name, every.parse().unwrap_or(1))?.pid),
        ["signal", name] => wrapper::send(name)?,
        ["stop"] => println!("{}", wrapper::stop()?),
        _ => {
            eprintln!("usage: wrapper start NAME SECONDS | signal NAME | stop");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
