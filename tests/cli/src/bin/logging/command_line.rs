//! The helper's daemon with the library's command line.

use crate::records;
use daemon::cli::Program;
use daemon::settings::Ready;
use daemon::{Daemon, Signal};
use std::process::ExitCode;
use std::time::Duration;

#[derive(clap::Parser)]
struct Args {
    /// Set up no logging
    #[arg(long)]
    silent: bool,
}

pub(super) fn main() -> ExitCode {
    let settings = |_: Args| Daemon::new("logger").ready(Ready::Manual);
    Program::new("logger")
        .main(settings, |daemon, args: Args| daemon.handle(Signal::SIGUSR1, records::log_all).run(move || body(&args)))
}

fn body(args: &Args) -> Result<(), daemon::logging::Error> {
    if !args.silent {
        daemon::logging::init()?;
    }
    records::log_all();
    let _ = daemon::ready();
    while daemon::sleep(Duration::from_secs(600)) {}
    Ok(())
}
