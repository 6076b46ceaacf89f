//! A daemon from `main` that changes to another user. Argument: the pidfile.

use std::time::Duration;

#[daemon::run(pidfile = std::env::args_os().nth(1).expect("a pidfile"), user = "nobody", ready = entered)]
fn main() {
    while daemon::sleep(Duration::from_secs(600)) {}
}
