//! The end of a bench that is interrupted.

use std::thread;
use std::time::Duration;

use look::{Deadline, Process};
use nix::libc::{SIGINT, SIGTERM};
use nix::sys::signal::Signal;
use signal_hook::iterator::Signals;

use crate::process::descendants;

/// On SIGINT and SIGTERM, kills all descendants of this process, calls `clean_up`, and exits with status 130.
///
/// # Panics
/// When the signals cannot be handled.
pub fn on_interrupt(clean_up: impl FnOnce() + Send + 'static) {
    let mut signals = Signals::new([SIGINT, SIGTERM]).expect("handlers of two signals");
    thread::spawn(move || {
        signals.forever().next();
        kill_descendants();
        clean_up();
        std::process::exit(130);
    });
}

fn kill_descendants() {
    let this = Process::new(std::process::id().try_into().expect("a pid fits into an int"));
    let deadline = Deadline::after(Duration::from_secs(20));
    let mut quiet = 0;
    // A process that is being started at this moment is found in a later pass.
    while quiet < 10 && !deadline.passed() {
        let living: Vec<Process> = descendants(this).into_iter().filter(|process| process.alive()).collect();
        quiet = if living.is_empty() { quiet + 1 } else { 0 };
        for process in living {
            process.signal(Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
}
