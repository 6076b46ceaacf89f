//! `daemon::logging`: destinations, levels, and text that tries to forge records.

mod command_line;
mod destination;
mod forgery;
mod init;
mod journal;
mod level;
mod syslog;

use look::{Lab, Outcome, Process};
use nix::sys::signal::Signal;
use std::time::Duration;

/// The pidfile of the helper's daemon.
const PIDFILE: &str = "d.pid";

/// The timeout of events that happen immediately, on a busy machine.
const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// The user without rights.
const NOBODY: u32 = 65534;

fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_logging-lab"))
}

/// Runs a verb of the helper, without `RUST_LOG` of the environment.
fn run(lab: &Lab, arguments: &[&str]) -> Outcome {
    lab.helper(arguments).env("RUST_LOG", "").run()
}

/// Starts a daemon that logs to `log`.
#[track_caller]
fn start(lab: &Lab, words: &[&str]) -> Process {
    let arguments: Vec<&str> = ["start", "log=log"].iter().chain(words).copied().collect();
    run(lab, &arguments).ok();
    lab.daemon(PIDFILE)
}

#[track_caller]
fn stop(lab: &Lab) {
    run(lab, &["stop"]).ok();
    lab.quiet(EVENT_TIMEOUT).expect("no process");
}

/// Has the daemon log its records again, and returns the lines that it adds to `log`.
#[track_caller]
fn records_of(lab: &Lab, daemon: Process) -> String {
    let before = lab.read("log").len();
    let _ = std::fs::remove_file(lab.path("out/logged"));
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("out/logged", EVENT_TIMEOUT, |logged| logged == "all");
    lab.read("log")[before..].to_owned()
}
