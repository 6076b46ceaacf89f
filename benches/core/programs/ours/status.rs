//! Asks for the status of a daemon. Arguments: a verb, the pidfile.
//!
//! Verbs: `start`; `status`; `time`, which prints the microseconds of one call; `files`, which prints those of opening and
//! reading the pidfile and the `/proc/PID/stat` of its daemon.

use std::env::args_os;
use std::fs::{File, read_to_string};
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

const CALLS: u32 = 200;

#[daemon::run(pidfile = args_os().nth(2).expect("a pidfile"), ready = entered)]
fn work() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

fn main() -> daemon::Result<()> {
    let pidfile = args_os().nth(2).expect("a pidfile");
    match args_os().nth(1).expect("a verb").to_str() {
        Some("start") => work::start().map(drop),
        Some("status") => work::status().map(drop),
        Some("time") => {
            time(|| work::status().map(drop));
            Ok(())
        }
        _ => {
            let pid = read_to_string(&pidfile).expect("a pidfile").lines().next().map(str::to_owned).expect("a pid");
            let stat = format!("/proc/{pid}/stat");
            time(|| read(pidfile.as_ref()).and_then(|()| read(stat.as_ref())));
            Ok(())
        }
    }
}

fn read(path: &Path) -> io::Result<()> {
    let mut text = [0; 1024];
    let length = File::open(path)?.read(&mut text)?;
    black_box(&text[..length]);
    Ok(())
}

/// Prints the microseconds of a call, after as many calls that are not timed.
fn time<E: std::fmt::Debug>(call: impl Fn() -> Result<(), E>) {
    (0..CALLS).for_each(|_| call().expect("a status"));
    let begin = Instant::now();
    (0..CALLS).for_each(|_| call().expect("a status"));
    println!("{}", begin.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
}
