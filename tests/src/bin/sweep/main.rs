//! Kills, fails and lies to every system call of `start`, `stop`, `restart` and `status`, and looks at what is left.
//!
//! ```sh
//! cargo run --release -p daemonic-tests --bin sweep                    # all of it
//! cargo run --release -p daemonic-tests --bin sweep -- --sample 60     # as much of it as fits into a minute
//! cargo run --release -p daemonic-tests --bin sweep -- --only start/daemon/close:error=EIO
//! ```
//!
//! Options: `--sample SECONDS`, `--seed N` (the order of a sample), `--only TEXT` (only points whose name holds it),
//! `--workers N`. The exit status is 1 if there are findings. It wants root and strace, and builds on the program `lab`.
#![deny(unsafe_code)]

mod judge;
mod options;
mod plan;
mod table;
mod trial;

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use options::Options;
use plan::Point;
use table::Table;

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
    let mut points = Vec::new();
    for scenario in plan::SCENARIOS {
        let recorded = trial::record(&program, scenario)?;
        points.extend(plan::points(scenario, &recorded));
    }
    points.retain(|point| options.only.as_ref().is_none_or(|text| point.to_string().contains(text)));
    if options.sample.is_some() {
        plan::shuffle(&mut points, options.seed);
        plan::spread(&mut points);
    }
    println!("{} points, seed {}", points.len(), options.seed);
    let table = Mutex::new(Table::new(points.len()));
    let queue = Mutex::new(points.into_iter());
    let next = || queue.lock().expect("nobody panics in next()").next();
    let goes_on = || options.sample.is_none_or(|time| begun.elapsed() < time);
    let work = || {
        while let Some(point) = goes_on().then(next).flatten() {
            try_point(&program, &point, &table);
        }
    };
    thread::scope(|scope| {
        for _ in 0..options.workers {
            scope.spawn(work);
        }
    });
    Ok(table.into_inner().expect("no worker panics"))
}

fn try_point(program: &std::path::Path, point: &Point, table: &Mutex<Table>) {
    let verdict = trial::run(program, point);
    table.lock().expect("no worker panics").add(point, verdict);
}
