//! A daemon that handles messages, whose source and handler use the parsed arguments.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(clap::Parser)]
struct Args {
    /// Directory of the pidfile and the log
    #[arg(long)]
    place: PathBuf,
    /// Number of messages
    #[arg(long, default_value_t = 2)]
    count: u32,
}

/// Counts messages.
#[daemon::message(
    cli,
    from = move || next(args),
    idle_time = "20ms",
    pool_size = 1,
    pidfile = args.place.join("message.pid"),
    log = args.place.join("message.log"),
)]
fn main(number: u32, args: &Args) {
    println!("message {number} of {}", args.count);
}

/// Returns the numbers up to the count.
fn next(args: &Args) -> Option<u32> {
    static LAST: AtomicU32 = AtomicU32::new(0);
    if LAST.load(Ordering::Relaxed) == args.count {
        return None;
    }
    Some(LAST.fetch_add(1, Ordering::Relaxed) + 1)
}
