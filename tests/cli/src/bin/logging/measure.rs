//! The cost of a record, compared with that of `tracing_subscriber::fmt` in the same process.

use std::error::Error;
use std::hint::black_box;
use std::io::stderr;
use std::time::{Duration, Instant};

/// The number of rounds, of which the fastest counts.
const ROUNDS: usize = 20;

/// The number of records in a round.
const RECORDS: u32 = 5_000;

/// Prints the nanoseconds of a record that is written to stderr, and of one that the level leaves out.
pub(super) fn print_costs() -> Result<(), Box<dyn Error>> {
    let plain = tracing_subscriber::fmt().with_writer(stderr).with_ansi(false).finish();
    let plain = tracing::subscriber::with_default(plain, measure);
    daemon::logging::init()?;
    let ours = measure();
    for (what, plain, ours) in [("written", plain.0, ours.0), ("left out", plain.1, ours.1)] {
        println!(
            "{what}: tracing_subscriber::fmt {plain:.0} ns, daemon::logging {ours:.0} ns, ratio {:.2}",
            ours / plain
        );
    }
    Ok(())
}

fn measure() -> (f64, f64) {
    let written = fastest(|number| tracing::info!(port = 8080, number, "a request was answered"));
    let left_out = fastest(|number| tracing::debug!(port = 8080, number, "a request was answered"));
    (written, left_out)
}

fn fastest(record: impl Fn(u32)) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        (0..RECORDS).for_each(|number| record(black_box(number)));
        best = best.min(begin.elapsed());
    }
    best.as_secs_f64() * 1e9 / f64::from(RECORDS)
}
