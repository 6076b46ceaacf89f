//! The part `memory`: the memory and the descriptors of an idle daemon.

use std::fs::{self, File};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use look::Process;
use measure::{Table, load, median, threads};
use nix::unistd::Pid;

use crate::bench::{Bench, Part};
use crate::children::{Child, Daemon, Program};
use crate::programs::Profile::{Release, Small, SmallStatic, Static};

pub(crate) const PART: Part = Part { name: "memory", title: "Memory and descriptors", run };

/// The time after which a started daemon is idle.
const SETTLING: Duration = Duration::from_millis(300);

/// A daemon, and the wanted limit of its PSS in KiB.
struct IdleDaemon {
    name: &'static str,
    program: PathBuf,
    wanted: Option<f64>,
}

/// The columns: each is a sum of lines of `smaps_rollup`.
const MEMORY: [(&str, &[&str]); 4] = [
    ("PSS", &["Pss"]),
    ("USS", &["Private_Clean", "Private_Dirty"]),
    ("private dirty", &["Private_Dirty"]),
    ("private file pages", &["Private_Clean"]),
];

fn run(bench: &mut Bench) -> Result<(), String> {
    let programs = &bench.programs;
    let cases = [
        IdleDaemon::new("C: double fork (the limit)", programs.c("limit", &[])?),
        IdleDaemon::new("`daemonize`", programs.rust("daemonize", "start", Release)?),
        IdleDaemon::new("`daemonize`, thread of signal-hook", programs.rust("daemonize", "signal_thread", Release)?),
        IdleDaemon::new("`blivet`", programs.rust("blivet", "start", Release)?),
        IdleDaemon::new("`blivet`, thread of signal-hook", programs.rust("blivet", "signal_thread", Release)?),
        IdleDaemon::new("**ours**", programs.rust("ours", "entered", Release)?).wanted(750.0),
        IdleDaemon::new("**ours**, five handlers", programs.rust("ours", "handlers", Release)?),
        IdleDaemon::new("**ours**, recommended profile", programs.rust("ours", "entered", Small)?).wanted(600.0),
        IdleDaemon::new("**ours**, recommended profile, five handlers", programs.rust("ours", "handlers", Small)?),
        IdleDaemon::new("**ours**, static", programs.rust("ours", "entered", Static)?),
        IdleDaemon::new("**ours**, recommended profile, static", programs.rust("ours", "entered", SmallStatic)?),
    ];
    bench.say("KiB of a daemon that waits, 0.3 s after its start. USS is what no other process has: private dirty pages (data,");
    bench.say("stacks, heap) and pages of files that this process alone has touched. A static program has no library to share. Ours have a");
    bench.say("thread for signals. The recommended profile is `lto = \"fat\"` with `opt-level = \"s\"` (`docs/performance.md`).\n");
    let load = load();
    let head: Vec<&str> = [""].into_iter().chain(MEMORY.map(|(name, _)| name)).collect();
    let mut table = Table::new(&[&head[..], &["threads", "descriptors", "wanted PSS"]].concat());
    for case in &cases {
        let figures = measure(bench, case).map_err(|problem| format!("{}: {problem}", case.name))?;
        let wanted = bench.limits.cell(figures[0], case.wanted);
        let figures = figures.into_iter().map(|figure| format!("{figure:.0}"));
        table.row([case.name.to_owned()].into_iter().chain(figures).chain([wanted]));
    }
    bench.table(&table, &load);
    Ok(())
}

impl IdleDaemon {
    fn new(name: &'static str, program: PathBuf) -> Self {
        Self { name, program, wanted: None }
    }

    fn wanted(self, at_most: f64) -> Self {
        Self { wanted: Some(at_most), ..self }
    }
}

/// Returns the medians of several daemons: the figures of `MEMORY`, the threads and the descriptors.
fn measure(bench: &Bench, case: &IdleDaemon) -> Result<Vec<f64>, String> {
    // Pages of a file that was just written, and is not on the disk yet, count as dirty in each process that maps them.
    let written = File::open(&case.program).and_then(|program| program.sync_all());
    written.map_err(|error| format!("failed to write `{}` to the disk: {error}", case.program.display()))?;
    let rounds: Result<Vec<Vec<f64>>, String> = (0..bench.rounds(5)).map(|_| once(bench, case)).collect();
    let rounds = rounds?;
    let column = |index: usize| rounds.iter().map(|round| round[index]).collect::<Vec<_>>();
    Ok((0..MEMORY.len() + 2).map(|index| median(&column(index))).collect())
}

#[allow(clippy::cast_precision_loss)] // Of small counts.
fn once(bench: &Bench, case: &IdleDaemon) -> Result<Vec<f64>, String> {
    let pidfile = bench.work_dir.join("memory.pid");
    Child::start(&Program::new(&case.program).arg(&pidfile), &bench.work_dir)?.reap()?;
    let daemon = Daemon::wait(&pidfile)?;
    thread::sleep(SETTLING);
    let rollup = read(daemon.pid, "smaps_rollup")?;
    let sum = |names: &[&str]| names.iter().map(|name| kib(&rollup, name)).sum::<Result<f64, String>>();
    let mut figures = MEMORY.iter().map(|(_, names)| sum(names)).collect::<Result<Vec<f64>, String>>()?;
    figures.push(threads(Process::new(daemon.pid.as_raw())) as f64);
    let descriptors =
        fs::read_dir(format!("/proc/{}/fd", daemon.pid)).map_err(|error| format!("no descriptors: {error}"))?;
    figures.push(descriptors.count() as f64);
    Ok(figures)
}

fn read(process: Pid, name: &str) -> Result<String, String> {
    let path = format!("/proc/{process}/{name}");
    fs::read_to_string(&path).map_err(|error| format!("failed to read `{path}`: {error}"))
}

/// Returns the number of a line of `smaps_rollup`.
fn kib(rollup: &str, name: &str) -> Result<f64, String> {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.ok_or_else(|| format!("no `{name}` in `smaps_rollup`"))
}
