//! Measures the core beside the least that C can do and beside other libraries: `scripts/bench core`.
//!
//! ```text
//! scripts/bench core [PART…] [--rounds N] [--write]
//! ```
//!
//! Without a part, measures all of them. `--rounds N` replaces the number of rounds of each part. `--write` needs a full run,
//! and writes the report to `benches/RESULTS.md`. The exit status is 1 if a wanted limit was missed.
//!
//! All cases of a table are measured in the same run, in a random order within each round; the first round is dropped.
//! Ratios are medians of the ratios of each round.

mod bench;
mod cases;
mod children;
mod close_fds;
mod growth;
mod inherited_fds;
mod memory;
mod messages;
mod programs;
mod signals;
mod start;
mod starts;
mod status;
mod steps;
mod stop;
mod system_info;
mod text;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use bench::{Bench, Part};
use measure::on_interrupt;

/// All parts, in the order of the report.
const PARTS: &[Part] = &[
    start::PART,
    stop::PART,
    status::PART,
    steps::PART,
    signals::PART,
    messages::PART,
    memory::PART,
    text::PART,
    close_fds::PART,
    growth::PART,
];

/// The command line.
struct Options {
    parts: Vec<&'static Part>,
    rounds: Option<usize>,
    write: bool,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("scripts/bench core: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Runs the parts, and returns how many wanted limits were missed.
fn run(options: &Options) -> Result<u32, String> {
    children::adopt_orphans()?;
    let mut bench = Bench::new(options.rounds)?;
    let work_dir = bench.work_dir.path().to_owned();
    on_interrupt(move || drop(fs::remove_dir_all(work_dir)));
    system_info::describe(&mut bench);
    for part in &options.parts {
        bench.begin(part);
        (part.run)(&mut bench).map_err(|problem| format!("part `{}`: {problem}", part.name))?;
    }
    let (report, missed) = bench.end();
    if options.write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
        fs::write(&path, report).map_err(|error| format!("failed to write `{}`: {error}", path.display()))?;
    }
    Ok(missed)
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { parts: Vec::new(), rounds: None, write: false };
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--write" => options.write = true,
            "--rounds" => {
                let value = arguments.next().ok_or("`--rounds` needs a number")?;
                let rounds = value.parse().ok().filter(|rounds| *rounds > 0);
                options.rounds = Some(rounds.ok_or_else(|| format!("`{value}` is not a number of rounds"))?);
            }
            name => options.parts.push(part(name)?),
        }
    }
    if options.write && !options.parts.is_empty() {
        return Err("`--write` needs a run of all parts: name none".into());
    }
    if options.parts.is_empty() {
        options.parts = PARTS.iter().collect();
    }
    Ok(options)
}

fn part(name: &str) -> Result<&'static Part, String> {
    PARTS.iter().find(|part| part.name == name).ok_or_else(|| {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        format!("`{name}` is not a part; the parts are {}", names.join(", "))
    })
}
