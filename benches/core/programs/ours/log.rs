//! A daemon from `main` with log files. Arguments: the pidfile, the two log files.

use std::env::args_os;
use std::time::Duration;

#[daemon::run(
    pidfile = args_os().nth(1).expect("a pidfile"),
    stdout = args_os().nth(2).expect("a log file"),
    stderr = args_os().nth(3).expect("another log file"),
    ready = entered
)]
fn main() {
    while daemon::sleep(Duration::from_secs(600)) {}
}
