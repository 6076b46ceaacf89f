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
    let plain = tracing::Dispatch::new(plain);
    daemon::logging::init()?;
    let (mut of_plain, mut of_ours) = ([Duration::MAX; 2], [Duration::MAX; 2]);
    for _ in 0..ROUNDS {
        tracing::dispatcher::with_default(&plain, || measure(&mut of_plain));
        measure(&mut of_ours);
    }
    for (index, what) in ["written", "left out"].into_iter().enumerate() {
        let [plain, ours] = [of_plain, of_ours].map(|best| best[index].as_secs_f64() * 1e9 / f64::from(RECORDS));
        println!(
            "{what}: tracing_subscriber::fmt {plain:.1} ns, daemon::logging {ours:.1} ns, ratio {:.2}",
            ours / plain
        );
    }
    Ok(())
}

/// Measures one round; keeps the shortest times.
fn measure(best: &mut [Duration; 2]) {
    let begin = Instant::now();
    for number in 0..RECORDS {
        tracing::info!(port = 8080, number = black_box(number), "a request was answered");
    }
    best[0] = best[0].min(begin.elapsed());
    let begin = Instant::now();
    for number in 0..RECORDS {
        tracing::debug!(port = 8080, number = black_box(number), "a request was answered");
    }
    best[1] = best[1].min(begin.elapsed());
}
