//! Kills, fails and fakes each system call of `start`, `stop`, `restart` and `status`, and checks the result.
//!
//! ```sh
//! scripts/sweep                                       # everything, a few minutes
//! scripts/sweep --sample 120 --seed 7                 # as much as fits into two minutes
//! scripts/sweep --points 300                          # the same sample on every machine
//! scripts/sweep --only start/daemon/close:error=EIO   # the name of a finding, or a part of it
//! ```
//!
//! A point is one call of one process: `VERB/PROCESS/CALL:HOW:when=N`. Each process is traced alone, and then launcher,
//! session leader and daemon together, which fails the Nth call of each of them at once. Afterwards the reported
//! outcome must be true, no process may be half-privileged or left behind, and a plain `start` and `stop` must work.
//!
//! Options:
//! * `--sample SECONDS`: stops after that time. A sample begins with one point of every call, kind and process,
//!   then takes a second point of each, and so on.
//! * `--points N`: stops after N points of such a sample, regardless of the time.
//! * `--seed N`: selects the sample; the printed seed repeats the order. 1 by default, so that a failing run fails again.
//! * `--only TEXT`: runs points whose name contains the text.
//! * `--skip N`: skips the first N points, to continue an interrupted run.
//! * `--workers N`: runs N points at a time, 2 by default.
//!
//! Each finding is printed at once, with a command line that reproduces it; a table at the end shows how many points
//! ran, and how many of them reached their call. The exit status is 1 if there are findings. The sweep needs root and
//! strace, and drives the program `lab` in its own directory.
#![deny(unsafe_code)]

mod checks;
mod options;
mod plan;
mod properties;
mod table;
mod trial;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use options::Options;
use table::Table;
use trial::Record;

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)).and_then(|options| sweep(&options)) {
        Ok(table) => table.print(),
        Err(text) => {
            eprintln!("sweep: {text}");
            ExitCode::from(64)
        }
    }
}

fn sweep(options: &Options) -> Result<Table, String> {
    let program = options::lab_program()?;
    // A trial with a finding panics; its message goes into the table.
    std::panic::set_hook(Box::new(|_| ()));
    let begun = Instant::now();
    let (mut points, mut usual) = (Vec::new(), BTreeMap::new());
    for scenario in plan::SCENARIOS {
        let Record { calls, daemon } = trial::record(&program, scenario)?;
        points.extend(plan::points(scenario, &calls));
        usual.entry(scenario.verb).or_insert(daemon);
    }
    points.retain(|point| options.only.as_ref().is_none_or(|text| point.to_string().contains(text)));
    if options.sample.is_some() || options.points.is_some() {
        plan::shuffle(&mut points, options.seed);
        plan::spread(&mut points);
    }
    points.drain(..options.skip.min(points.len()));
    points.truncate(options.points.unwrap_or(usize::MAX));
    println!("{} points, seed {}", points.len(), options.seed);
    let table = Mutex::new(Table::new(points.len()));
    let queue = Mutex::new(points.into_iter());
    let next = || queue.lock().expect("next() does not panic").next();
    let goes_on = || options.sample.is_none_or(|time| begun.elapsed() < time);
    let work = || {
        while let Some(point) = goes_on().then(next).flatten() {
            let trial = trial::run(&program, &point, &usual[point.scenario.verb]);
            table.lock().expect("no worker panics").add(&point, &trial);
        }
    };
    thread::scope(|scope| {
        for _ in 0..options.workers {
            scope.spawn(work);
        }
    });
    Ok(table.into_inner().expect("no worker panics"))
}
