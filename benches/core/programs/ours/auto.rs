//! A daemon from `main` with the default settings. Argument: the pidfile.

use std::time::Duration;

#[daemon::run(pidfile = std::env::args_os().nth(1).expect("a pidfile"))]
fn main() {
    while daemon::sleep(Duration::from_secs(600)) {}
}
