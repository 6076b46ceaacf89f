//! The part `step`: the cost of a step beside a loop that is written by hand, at full speed and at a pace.

use std::path::Path;

use measure::{Samples, Table, WorkDir, interleave, load, median, number, percentile};

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::{Child, Program};
use crate::programs::Profile;

pub(crate) const PART: Part = Part { name: "step", title: "Step", run };

const ROUNDS: usize = 20;

/// The pace of the paced loops, and how many steps one run of them makes: half a second.
const PACE: &str = "5000";
const PACED_STEPS: &str = "100";

/// A loop of the program `steps`: its name in the report and on the command line, and how many steps one run of it makes.
type Loop = (&'static str, &'static str, &'static str);

const BARE: Loop = ("bare loop, a relaxed load of a flag", "bare", "100000000");
const OURS: Loop = ("**ours**: `#[daemon::step]`", "step", "100000000");
const YIELDS: Loop = ("bare loop that yields to its tasks", "async-yields", "500000");
const STARVES: Loop = ("bare loop that starves its tasks", "async-bare", "50000000");
const OURS_ASYNC: Loop = ("**ours**: `#[daemon::step] async fn`", "async-step", "500000");

const PACED: [Loop; 2] =
    [("bare loop of `clock_nanosleep`", "bare-paced", PACED_STEPS), ("**ours**: `every`", "paced", PACED_STEPS)];

const PACED_ASYNC: [Loop; 2] = [
    ("bare loop of `tokio::time::interval`", "async-interval", PACED_STEPS),
    ("**ours**: `every`, `async fn`", "async-paced", PACED_STEPS),
];

fn run(bench: &mut Bench) -> Result<(), String> {
    let program = bench.programs.rust("steps", "steps", Profile::Release)?;
    bench.say("At full speed: processor time of each step, which adds one to a number in memory. After each step of an `async fn`, the");
    bench.say("tasks that it has spawned may run. All loops are in one program, with the feature `tokio`; the runtime has one thread.\n");
    let heads = ["ns", "× bare"];
    let case = |measured| at_full_speed(&program, measured);
    measure(bench, ROUNDS, heads, &[case(BARE), case(OURS).wanted(1.1)], &[])?;
    measure(bench, ROUNDS, heads, &[case(YIELDS), case(STARVES), case(OURS_ASYNC)], &[])?;
    bench.say("At a pace of 5 ms: how late a step begins, and the processor time of each. tokio's timer counts milliseconds.\n");
    paced(bench, &program, PACED)?;
    paced(bench, &program, PACED_ASYNC)
}

fn at_full_speed(program: &Path, measured: Loop) -> Case<'_> {
    Case::new(measured.0, move |work_dir| {
        let numbers = numbers(work_dir, program, measured)?;
        numbers.first().map(|number| (*number).into()).ok_or_else(|| "no figure".to_owned())
    })
}

fn paced(bench: &mut Bench, program: &Path, loops: [Loop; 2]) -> Result<(), String> {
    let load = load();
    let mut late = vec![Samples::default(); loops.len()];
    let mut later = late.clone();
    let costs = interleave(bench.rounds(ROUNDS), &[1, 1], |case, round| {
        let mut numbers = numbers(&bench.work_dir, program, loops[case])?;
        let cost = numbers.pop().ok_or("no figure")?;
        if round > 0 {
            late[case].insert(round, median(&numbers) / 1e3);
            later[case].insert(round, percentile(&numbers, 0.9) / 1e3);
        }
        Ok::<_, String>(cost / 1e3)
    })?;
    let head = ["", "rounds", "µs late, median", "µs late, p90", "µs of processor [p10..p90]", "× bare"];
    let mut table = Table::new(&head);
    for (index, (name, ..)) in loops.iter().enumerate() {
        let [rounds, cost, ratio, _] = bench.cells(&costs[index], &costs[0], None);
        let [late, later] = [&late, &later].map(|samples| number(samples[index].median()));
        table.row([(*name).to_owned(), rounds, late, later, cost, ratio]);
    }
    bench.table(&table, &load);
    Ok(())
}

/// Returns what a run of a loop prints.
fn numbers(work_dir: &WorkDir, program: &Path, (_, argument, steps): Loop) -> Result<Vec<f64>, String> {
    let child = Child::start(&Program::new(program).args([argument, steps, PACE]), work_dir)?;
    child.reap()?;
    child.numbers()
}
