//! Starts a daemon inside an asynchronous runtime, `current` or `multi`, which is refused.

use std::process::ExitCode;

use daemon::Daemon;

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("current") => current(),
        Some("multi") => multi(),
        other => panic!("which runtime? {other:?}"),
    };
    outcome.map_or_else(|error| error.report(), |_| ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn current() -> daemon::Result<daemon::Started> {
    Daemon::new("runtime").pidfile("d.pid").run(|| ()).start()
}

#[tokio::main]
async fn multi() -> daemon::Result<daemon::Started> {
    Daemon::new("runtime").pidfile("d.pid").run(|| ()).start()
}
