//! A daemon from `main` that is ready when its body is entered. Argument: the pidfile.

use std::time::Duration;

#[daemon::run(pidfile = std::env::args_os().nth(1).expect("a pidfile"), ready = entered)]
fn main() {
    while daemon::sleep(Duration::from_secs(600)) {}
}
