//! The helper's daemon with the library's command line.

use crate::records;
use daemon::cli::Program;
use daemon::{Daemon, Signal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(clap::Parser)]
struct Args {
    /// Directory of the pidfile
    #[arg(long, default_value = ".")]
    place: PathBuf,
    /// Set up no logging
    #[arg(long)]
    silent: bool,
}

pub(super) fn main() -> ExitCode {
    let settings = |args: Args| Daemon::new("logger").pidfile(args.place.join("d.pid"));
    Program::new("logger")
        .main(settings, |daemon, args: Args| daemon.handle(Signal::SIGUSR1, records::log_all).run(move || body(&args)))
}

fn body(args: &Args) -> Result<(), daemon::logging::Error> {
    if !args.silent {
        daemon::logging::init()?;
    }
    records::log_all();
    while daemon::sleep(Duration::from_secs(600)) {}
    Ok(())
}
