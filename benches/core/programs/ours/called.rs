//! Starts a daemon by a call and prints how many milliseconds that took. Arguments: the pidfile, MiB to touch before.

use std::env::args_os;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[daemon::run(pidfile = args_os().nth(1).expect("a pidfile"), ready = entered)]
fn work() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

fn main() -> daemon::Result<()> {
    let size = args_os().nth(2).and_then(|size| size.to_str()?.parse::<usize>().ok()).expect("a size");
    let memory = black_box(vec![1_u8; size << 20]);
    let begin = Instant::now();
    work::start()?;
    println!("{}", begin.elapsed().as_secs_f64() * 1e3);
    drop(black_box(memory));
    Ok(())
}
