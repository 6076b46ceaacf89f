//! The bodies of the tests' daemons.

use std::thread;
use std::time::Duration;

use crate::settings::line;

/// Returns the body of this name.
///
/// # Panics
/// If no body has this name.
pub(crate) fn named(name: &str) -> fn() {
    match name {
        "idle" => idle,
        "tick" => tick,
        "drain" => drain,
        "ask_and_hang" => ask_and_hang,
        "hang" => hang,
        _ => panic!("no body is called `{name}`"),
    }
}

/// Sleeps until the daemon is to stop.
fn idle() {
    while daemon::sleep(Duration::from_secs(1000)) {}
    line("drained");
}

/// Notes every 50 ms that it works.
fn tick() {
    while daemon::sleep(Duration::from_millis(50)) {
        line("tick");
    }
    line("drained");
}

/// Takes 1.5 s to clean up.
fn drain() {
    while daemon::sleep(Duration::from_secs(1000)) {}
    thread::sleep(Duration::from_millis(1500));
    line("drained");
}

/// Asks once whether the daemon is to stop, so that it has a grace, and never again.
fn ask_and_hang() {
    daemon::stopping();
    hang();
}

/// Never asks, so that a stop ends it at once.
fn hang() {
    loop {
        thread::park();
    }
}
