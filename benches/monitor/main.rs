//! How fast a monitor is, beside supervisord, circus, runit and a bare loop: `scripts/bench monitor`.
//!
//! ```text
//! scripts/bench monitor [--rounds N] [--sizes 100,1000] [--kills N] [--only loop,runit]
//! ```
//!
//! Everything is measured in the same run, in turns, and the medians are compared. Latencies are told by the bots
//! themselves, which say at their first line what the time is.

mod starts;
mod systems;
mod trial;

use std::process::{Command, ExitCode};

use measure::{Place, load, median};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use systems::System;
use trial::{Measured, trial};

/// What is to be measured.
struct Wanted {
    rounds: usize,
    sizes: Vec<usize>,
    kills: usize,
    systems: Vec<System>,
}

fn main() -> ExitCode {
    let wanted = match wanted(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    prepare();
    let place = Place::new();
    let bot = place.join("bot");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/monitor/bot.c");
    let compiled = Command::new("cc").args(["-O2", "-Wall", "-o"]).arg(&bot).arg(source).status();
    assert!(compiled.is_ok_and(|status| status.success()), "failed to compile `{source}`");
    for &size in &wanted.sizes {
        compare(&wanted, size, &bot);
    }
    ExitCode::SUCCESS
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted { rounds: 3, sizes: vec![100, 1000], kills: 7, systems: System::ALL.to_vec() };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        match option.as_str() {
            "--rounds" => wanted.rounds = number(&value)?,
            "--kills" => wanted.kills = number(&value)?,
            "--sizes" => wanted.sizes = value.split(',').map(number).collect::<Result<_, _>>()?,
            "--only" => {
                let named = |name| System::named(name).ok_or_else(|| format!("no system is called `{name}`"));
                wanted.systems = value.split(',').map(named).collect::<Result<_, _>>()?;
            }
            _ => return Err(format!("no option is called `{option}`")),
        }
    }
    Ok(wanted)
}

/// Descriptors as a system gives them, with room to ask for more where that is allowed; orphans become ours, so that one
/// that nobody buries is seen.
fn prepare() {
    prctl::set_child_subreaper(true).expect("a subreaper");
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    if setrlimit(Resource::RLIMIT_NOFILE, 1024, hard.max(100_000)).is_err() {
        setrlimit(Resource::RLIMIT_NOFILE, 1024, hard).expect("a limit that is lower");
    }
}

/// Rounds of every system with so many bots, in turns, and their medians.
fn compare(wanted: &Wanted, size: usize, bot: &std::path::Path) {
    let systems: Vec<System> = wanted.systems.iter().copied().filter(|system| size <= system.at_most()).collect();
    let mut rounds: Vec<Vec<Measured>> = vec![Vec::new(); systems.len()];
    println!("\n{size} bots, medians of {} rounds; load before: {}", wanted.rounds, load());
    for _ in 0..wanted.rounds {
        for (system, rounds) in systems.iter().zip(&mut rounds) {
            match trial(*system, bot, size, wanted.kills) {
                Ok(measured) => rounds.push(measured),
                Err(problem) => println!("{}: {problem}", system.name()),
            }
        }
    }
    println!(
        "{:<12}{:>10}{:>7}{:>11}{:>9}{:>9}{:>8}{:>24}{:>10}{:>6}{:>9}",
        "", "up", "procs", "PSS", "per bot", "idle CPU", "turns", "restart min/med/max", "stop", "left", "unburied"
    );
    for (system, rounds) in systems.iter().zip(&rounds) {
        if !rounds.is_empty() {
            line(*system, size, rounds);
        }
    }
    println!("load after: {}", load());
}

#[allow(clippy::cast_precision_loss)] // Of small counts.
fn line(system: System, size: usize, rounds: &[Measured]) {
    let of = |figure: fn(&Measured) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
    let restarts: Vec<f64> = rounds.iter().flat_map(|round| round.restarts.iter().copied()).collect();
    let restarts = if restarts.is_empty() {
        "-".into()
    } else {
        let (least, most) = restarts.iter().fold((f64::MAX, 0.0_f64), |(a, b), &time| (a.min(time), b.max(time)));
        format!("{least:.1}/{:.1}/{most:.1} ms", median(&restarts))
    };
    let memory = of(|round| round.memory);
    println!(
        "{:<12}{:>7.0} ms{:>7.0}{:>7.1} MiB{:>5.1} KiB{:>7.2} %{:>8.0}{restarts:>24}{:>7.0} ms{:>6.0}{:>9.0}",
        system.name(),
        of(|round| round.up),
        of(|round| round.processes as f64),
        memory / 1024.0,
        memory / size as f64,
        of(|round| round.idle.nanoseconds as f64 / 5e7),
        of(|round| round.idle.turns as f64),
        of(|round| round.stop),
        of(|round| round.left as f64),
        of(|round| round.unburied as f64),
    );
}
