//! The part `fds`: the cost of closing inherited descriptors, alone and in whole starts.

use std::path::{Path, PathBuf};

use measure::median;

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::{Child, Program};
use crate::inherited_fds::InheritedFds;
use crate::programs::Profile::Release;
use crate::starts::{Clock, start};

pub(crate) const PART: Part = Part { name: "fds", title: "Closing descriptors", run };

/// The limit of file descriptors under a service manager that sets none.
const LIMIT: u64 = 1_048_576;

fn run(bench: &mut Bench) -> Result<(), String> {
    let program = bench.programs.c("close_fds", &[])?;
    bench.say("The closing alone, in C. The naive loop goes to 1,048,576, the limit of many containers.\n");
    let mut cases = Vec::new();
    for open in ["10", "1000"] {
        let base = format!("{open} open, `close_range`");
        cases.push(closing(&base, &program, ["close_range", open, "20"]).beside(&base));
        let walk = format!("{open} open, walk of `/proc/self/fd`");
        cases.push(closing(&walk, &program, ["proc", open, "20"]).beside(&base));
        let naive = format!("{open} open, naive loop");
        cases.push(closing(&naive, &program, ["naive", open, "1"]).beside(&base).seldom());
    }
    measure(bench, 50, ["µs", "× close_range"], &cases, &[])?;
    for open in [10, 1000] {
        starts(bench, open)?;
    }
    Ok(())
}

/// Returns the case of a program that closes file descriptors in one way: the median of several repetitions.
fn closing<'a>(name: &str, program: &'a Path, arguments: [&'static str; 3]) -> Case<'a> {
    Case::new(name, move |work_dir| {
        let child = Child::start(&Program::new(program).args(arguments), work_dir)?;
        child.reap()?;
        Ok(median(&child.numbers()?).into())
    })
}

/// Measures starts of programs that close inherited file descriptors.
fn starts(bench: &mut Bench, open: usize) -> Result<(), String> {
    let programs = &bench.programs;
    let pidfile = bench.work_dir.join("close_fds.pid");
    let case = |name, program: PathBuf| start(name, Program::new(program).arg(&pidfile), &pidfile, Clock::Outside);
    let naive = Program::new("/usr/sbin/start-stop-daemon").args(["--start", "--background", "--notify-await"]);
    let naive = naive.arg("--make-pidfile").arg("--pidfile").arg(&pidfile);
    let naive = naive.arg("--exec").arg(programs.c("notify", &[])?);
    let cases = [
        case("C: double fork, closes nothing", programs.c("limit", &[])?),
        case("libdaemon, walk of `/proc/self/fd`", programs.c("libdaemon", &["-ldaemon"])?),
        case("`blivet`, walk of `/proc/self/fd`", programs.rust("blivet", "start", Release)?),
        case("**ours**, `close_range`", programs.rust("ours", "entered", Release)?),
        start("start-stop-daemon --notify-await, naive loop", naive, &pidfile, Clock::Outside).seldom(),
    ];
    let inherited = InheritedFds::new(LIMIT, open)?;
    let not_raised = if inherited.limit < LIMIT { " (the highest that this machine allows)" } else { "" };
    bench.say(format_args!(
        "Starts with {open} inherited descriptors and `RLIMIT_NOFILE` at {}{not_raised}.\n",
        inherited.limit
    ));
    measure(bench, 100, ["ms", "× closes nothing"], &cases, &[])
}
