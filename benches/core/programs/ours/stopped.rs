//! Starts and stops a daemon. Arguments: a verb, the pidfile.
//!
//! Verbs: `start`; `start-plain`, where SIGTERM has its default action; `stop`; `time`, which prints the milliseconds of
//! the stop.

use std::env::args_os;
use std::time::{Duration, Instant};

#[daemon::run(pidfile = args_os().nth(2).expect("a pidfile"))]
fn work() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

#[daemon::run(pidfile = args_os().nth(2).expect("a pidfile"), signals = { SIGTERM => default })]
fn plain() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

fn main() -> daemon::Result<()> {
    match args_os().nth(1).expect("a verb").to_str() {
        Some("start") => work::start().map(drop),
        Some("start-plain") => plain::start().map(drop),
        Some("stop") => work::stop().map(drop),
        _ => {
            let begin = Instant::now();
            work::stop()?;
            println!("{}", begin.elapsed().as_secs_f64() * 1e3);
            Ok(())
        }
    }
}
