//! A program with a command line of its own, which passes verbs to its daemon.

use clap::Parser;
use daemon::Daemon;
use daemon::cli::{Program, Verb};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
enum Command {
    /// Print a greeting
    Greet,
    /// Start, stop and inspect the daemon
    #[command(subcommand)]
    Daemon(Verb),
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Greet => {
            println!("hello");
            ExitCode::SUCCESS
        }
        Command::Daemon(verb) => {
            let daemon = Daemon::new("dispatchlab").run(|| while daemon::sleep(Duration::from_secs(1000)) {});
            Program::new("dispatchlab").dispatch(verb, daemon)
        }
    }
}
