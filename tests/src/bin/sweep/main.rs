//! Kills, fails and lies to every system call of `start`, `stop`, `restart` and `status`, and looks at what is left.
//!
//! ```sh
//! scripts/sweep                                       # all of it, a few minutes
//! scripts/sweep --sample 120 --seed 7                 # as much of it as fits into two minutes
//! scripts/sweep --points 300                          # the same sample on every machine
//! scripts/sweep --only start/daemon/close:error=EIO   # what a finding is called, or a part of that
//! ```
//!
//! A point is one call of one process: `VERB/WHO/CALL:HOW:when=N`. Everybody is traced alone, and then launcher, middle
//! and daemon together, which fails the Nth call of each of them at once. Afterwards the outcome must be true, nobody may
//! be half-privileged or left behind, and a plain `start` and `stop` must work.
//!
//! Options:
//! * `--sample SECONDS`: stops after so long. A sample begins with one point of every call, kind and process, and goes on
//!   with a second one of each.
//! * `--points N`: stops after N points of such a sample, however long they take.
//! * `--seed N`: which sample; the one that is printed makes the same order again. 1 without it, so that a run that fails
//!   fails again.
//! * `--only TEXT`: only points whose name holds the text.
//! * `--skip N`: not the first N of the order, to go on after N of a run that was ended.
//! * `--workers N`: so many at a time, 2 without it.
//!
//! Each finding is printed at once, with what a person types to see it again; at the end there is a table with what was
//! run, and how much of it came to its call at all. The exit status is 1 if there are findings. It wants root and strace,
//! and drives the program `lab`, which lies beside it.
#![deny(unsafe_code)]

mod judge;
mod options;
mod plan;
mod portrait;
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
    // A trial that finds something panics; what it says goes into the table.
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
    let next = || queue.lock().expect("nobody panics in next()").next();
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
