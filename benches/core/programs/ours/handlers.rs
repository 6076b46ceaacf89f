//! A daemon from `main` with five signal handlers. Argument: the pidfile.

use std::time::Duration;

#[daemon::run(
    pidfile = std::env::args_os().nth(1).expect("a pidfile"),
    signals = { SIGHUP => handle, SIGUSR1 => handle, SIGUSR2 => handle, SIGWINCH => handle, SIGTERM => handle },
    ready = entered
)]
fn main() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

fn handle() {}
