//! How fast a monitor is, beside supervisord, circus, runit and a bare loop: `scripts/bench monitor`.
//!
//! ```text
//! scripts/bench monitor [--rounds N] [--sizes 100,1000] [--kills N] [--only loop,runit] [--output null]
//! ```
//!
//! With ten thousand bots (`--sizes 1000,10000 --only ours`) ours needs forty thousand descriptors, or twenty thousand with
//! `--output null`: then it keeps nothing of what its bots print.
//!
//! Everything is measured in the same run, in turns, and the medians are compared. The bots report
//! the time of their first line, from which latencies are computed.

mod checks;
mod intake;
mod starts;
mod systems;
mod trial;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use checks::checks;
use intake::intake;
use measure::{Limits, WorkDir, load, median, on_interrupt};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use systems::{Bots, System};
use trial::{Measured, trial};

/// The options of the measurement.
struct Wanted {
    rounds: usize,
    sizes: Vec<usize>,
    kills: usize,
    systems: Vec<System>,
    /// `true` if the monitor of this library captures the output of the bots.
    is_kept: bool,
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
    let work_dir = WorkDir::new();
    let bot = work_dir.join("bot");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/monitor/bot.c");
    let compiled = Command::new("cc").args(["-O2", "-Wall", "-o"]).arg(&bot).arg(source).status();
    assert!(compiled.is_ok_and(|status| status.success()), "failed to compile `{source}`");
    let ours: BTreeMap<usize, Summary> =
        wanted.sizes.iter().filter_map(|&size| Some((size, compare(&wanted, size, &bot)?))).collect();
    if !wanted.systems.contains(&System::Ours) {
        return ExitCode::SUCCESS;
    }
    println!();
    let mut limits = Limits::new();
    keep(&ours, &mut limits);
    intake(&bot, wanted.rounds, &mut limits);
    checks(&bot, wanted.rounds, &mut limits);
    println!("load after: {}", load());
    ExitCode::from(u8::from(limits.end() > 0))
}

/// The limits for the figures of the monitor of this library.
#[allow(clippy::cast_precision_loss)] // Of small counts.
fn keep(ours: &BTreeMap<usize, Summary>, limits: &mut Limits) {
    for (&size, figures) in ours {
        println!("{size} bots");
        // From a thousand on, the kernel's search for the child that has ended is what it takes.
        let thousands = (size as f64 / 1000.0).max(1.0);
        limits.figure("    restart after kill -9", "ms", figures.restart, 5.0 * thousands);
        limits.figure("    idle: clock ticks in 5 s", "", figures.ticks, 0.0);
        limits.figure("    left after a stop", "", figures.left, 0.0);
        limits.figure("    not buried by the monitor", "", figures.unreaped, 0.0);
        match size {
            100 => limits.figure("    memory (PSS)", "MiB", figures.memory / 1024.0, 10.0),
            1000 => {
                limits.figure("    up", "ms", figures.up, 1500.0);
                limits.figure("    stop", "ms", figures.stop, 500.0);
            }
            _ => {}
        }
    }
    for ((&few, less), (&many, more)) in ours.iter().zip(ours.iter().skip(1)) {
        println!("from {few} to {many} bots");
        limits.figure("    memory for each more", "KiB", (more.memory - less.memory) / (many - few) as f64, 3.5);
        let (up, before) = (more.up / many as f64, less.up / few as f64);
        limits.ratio("    start of each", "ms", up, before, up / before, 1.25);
        let (stop, before) = (more.stop / many as f64, less.stop / few as f64);
        limits.ratio("    stop of each", "ms", stop, before, stop / before, 1.25);
    }
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted =
        Wanted { rounds: 3, sizes: vec![100, 1000], kills: 7, systems: System::ALL.to_vec(), is_kept: true };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        match option.as_str() {
            "--rounds" => wanted.rounds = number(&value)?,
            "--kills" => wanted.kills = number(&value)?,
            "--sizes" => wanted.sizes = value.split(',').map(number).collect::<Result<_, _>>()?,
            "--output" => is_kept(&value).map(|is_kept| wanted.is_kept = is_kept)?,
            "--only" => {
                let named = |name| System::named(name).ok_or_else(|| format!("no system is called `{name}`"));
                wanted.systems = value.split(',').map(named).collect::<Result<_, _>>()?;
            }
            _ => return Err(format!("no option is called `{option}`")),
        }
    }
    Ok(wanted)
}

/// Parses the output of the bots under the monitor of this library: files, unless it is `null`.
fn is_kept(value: &str) -> Result<bool, String> {
    match value {
        "files" => Ok(true),
        "null" => Ok(false),
        _ => Err(format!("`--output` is `files` or `null`, not `{value}`")),
    }
}

/// Sets the usual soft limit of file descriptors, and raises the hard limit if allowed. Becomes the subreaper of orphans (`prctl(2)`), so
/// that unreaped ones are detected.
fn prepare() {
    prctl::set_child_subreaper(true).expect("a subreaper");
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    on_interrupt(|| ());
    if setrlimit(Resource::RLIMIT_NOFILE, 1024, hard.max(100_000)).is_err() {
        setrlimit(Resource::RLIMIT_NOFILE, 1024, hard).expect("a limit that is lower");
    }
}

/// The medians of some rounds of one system.
#[derive(Clone, Copy, Debug)]
struct Summary {
    /// Milliseconds.
    up: f64,
    /// Milliseconds of the processor that this took the supervisor itself.
    spent: f64,
    processes: f64,
    /// KiB.
    memory: f64,
    /// Part of a processor, in percent.
    idle: f64,
    ticks: f64,
    turns: f64,
    /// Milliseconds, of all restarts of all rounds; the least and the most, too.
    restart: f64,
    least: f64,
    most: f64,
    stop: f64,
    /// The most of any round.
    left: f64,
    unreaped: f64,
}

/// Measures rounds of every system with this number of bots, in turns, and prints their medians. Returns those of this library.
fn compare(wanted: &Wanted, size: usize, bot: &Path) -> Option<Summary> {
    let systems: Vec<System> = wanted.systems.iter().copied().filter(|system| size <= system.at_most()).collect();
    let mut rounds: Vec<Vec<Measured>> = vec![Vec::new(); systems.len()];
    let bots = Bots { program: bot.to_owned(), starts: PathBuf::new(), count: size, is_kept: wanted.is_kept };
    println!("\n{size} bots, medians of {} rounds; load before: {}", wanted.rounds, load());
    for _ in 0..wanted.rounds {
        for (system, rounds) in systems.iter().zip(&mut rounds) {
            match trial(*system, &bots, wanted.kills) {
                Ok(measured) => rounds.push(measured),
                Err(problem) => println!("{}: {problem}", system.name()),
            }
        }
    }
    println!(
        "{:<12}{:>10}{:>10}{:>7}{:>11}{:>9}{:>9}{:>7}{:>24}{:>10}{:>6}{:>9}",
        "",
        "up",
        "its CPU",
        "procs",
        "PSS",
        "per bot",
        "idle CPU",
        "turns",
        "restart min/med/max",
        "stop",
        "left",
        "unreaped"
    );
    let mut ours = None;
    for (system, rounds) in systems.iter().zip(&rounds) {
        if let Some(summary) = Summary::of(rounds) {
            line(*system, size, &summary);
            if *system == System::Ours {
                ours = Some(summary);
            }
        }
    }
    println!("load after: {}", load());
    ours
}

impl Summary {
    #[allow(clippy::cast_precision_loss)] // Of small counts.
    fn of(rounds: &[Measured]) -> Option<Self> {
        if rounds.is_empty() {
            return None;
        }
        let of = |figure: fn(&Measured) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
        let most = |figure: fn(&Measured) -> f64| rounds.iter().map(figure).fold(0.0, f64::max);
        let restarts: Vec<f64> = rounds.iter().flat_map(|round| round.restarts.iter().copied()).collect();
        Some(Self {
            up: of(|round| round.up),
            spent: of(|round| round.spent),
            processes: of(|round| round.processes as f64),
            memory: of(|round| round.memory),
            idle: of(|round| round.idle.nanoseconds as f64 / 5e7),
            ticks: most(|round| round.idle.ticks as f64),
            turns: of(|round| round.idle.turns as f64),
            restart: if restarts.is_empty() { f64::NAN } else { median(&restarts) },
            least: restarts.iter().copied().fold(f64::NAN, f64::min),
            most: restarts.iter().copied().fold(f64::NAN, f64::max),
            stop: of(|round| round.stop),
            left: most(|round| round.left as f64),
            unreaped: most(|round| round.unreaped as f64),
        })
    }
}

#[allow(clippy::cast_precision_loss)] // Of small counts.
fn line(system: System, size: usize, figures: &Summary) {
    let restarts = format!("{:.1}/{:.1}/{:.1} ms", figures.least, figures.restart, figures.most);
    println!(
        "{:<12}{:>7.0} ms{:>7.0} ms{:>7.0}{:>7.1} MiB{:>5.1} KiB{:>7.2} %{:>7.0}{restarts:>24}{:>7.0} ms{:>6.0}{:>9.0}",
        system.name(),
        figures.up,
        figures.spent,
        figures.processes,
        figures.memory / 1024.0,
        figures.memory / size as f64,
        figures.idle,
        figures.turns,
        figures.stop,
        figures.left,
        figures.unreaped,
    );
}
