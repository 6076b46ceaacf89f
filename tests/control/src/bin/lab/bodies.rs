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

/// Logs a line every 50 ms.
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

/// Calls `stopping` once, so that a stop grants it a grace period, and then blocks.
fn ask_and_hang() {
    daemon::stopping();
    hang();
}

/// Blocks without checking for a stop, so that a stop kills it at once.
fn hang() {
    loop {
        thread::park();
    }
}
