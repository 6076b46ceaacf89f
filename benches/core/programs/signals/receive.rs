//! Notes when the code for a signal runs: `receive ours PIDFILE RECORD`, or `receive iterator PIDFILE RECORD`.
//!
//! RECORD gets the nanoseconds of the monotonic clock and the number of signals, eight bytes each.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Signals;

static RECORD: OnceLock<File> = OnceLock::new();
static RECEIVED: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    match argument(1).as_str() {
        "ours" => ours().map_or_else(|error| error.report(), |_| ExitCode::SUCCESS),
        "iterator" => by_iterator(),
        other => panic!("which receiver? {other}"),
    }
}

fn argument(index: usize) -> String {
    std::env::args().nth(index).expect("receive ours|iterator PIDFILE RECORD")
}

#[daemon::run(pidfile = PathBuf::from(argument(2)), signals = { SIGUSR1 => note }, ready = manual)]
fn ours() {
    open();
    daemon::ready().expect("a launcher that waits");
    while daemon::sleep(Duration::from_secs(600)) {}
}

/// Receives by signal-hook's iterator in a thread, beside a first thread that waits.
fn by_iterator() -> ExitCode {
    open();
    let mut signals = Signals::new([SIGUSR1]).expect("a handler");
    let receiver = std::thread::spawn(move || signals.forever().for_each(|_| note()));
    fs::write(argument(2), format!("{}\n", std::process::id())).expect("a pidfile");
    receiver.join().expect("a receiver");
    ExitCode::FAILURE
}

fn open() {
    let record = File::options().write(true).open(argument(3)).expect("a record");
    RECORD.set(record).expect("a record that is opened once");
}

fn note() {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock").num_nanoseconds();
    let record = RECORD.get().expect("an open record");
    let count = RECEIVED.fetch_add(1, Relaxed) + 1;
    // The number comes last: a reader that finds it finds the time, too.
    record.write_all_at(&now.to_ne_bytes(), 0).expect("a time is written");
    record.write_all_at(&count.to_ne_bytes(), 8).expect("a number is written");
}
