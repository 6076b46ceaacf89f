//! A daemon from `main` with another user, log files and five signal handlers. Arguments: the pidfile, the two log files.

use std::env::args_os;
use std::time::Duration;

#[daemon::run(
    pidfile = args_os().nth(1).expect("a pidfile"),
    user = "nobody",
    stdout = args_os().nth(2).expect("a log file"),
    stderr = args_os().nth(3).expect("another log file"),
    signals = { SIGHUP => handle, SIGUSR1 => handle, SIGUSR2 => handle, SIGWINCH => handle, SIGTERM => handle },
    ready = entered
)]
fn main() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

fn handle() {}
