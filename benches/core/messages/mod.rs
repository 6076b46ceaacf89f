//! The part `messages`: the cost of a message beside pools that are written by hand, and beside gevent.

mod implementations;

use std::time::Instant;

use measure::{Table, interleave, load};

use crate::bench::{Bench, Part};
use crate::cases::{Case, measure};
use crate::children::Program;
use crate::programs::Profile;
use crate::starts::{Clock, Target, run as run_program};
use implementations::Handler::{Nothing, Waits};
use implementations::{by_channel, by_hand, one_thread, pool, several_threads, tasks};

pub(crate) const PART: Part = Part { name: "messages", title: "Messages", run };

const OUR_THREADS: &str = "**ours**, threads";
const OUR_TASKS: &str = "**ours**, tasks";

/// The number of messages of one latency.
const SPACED: u64 = 2000;

const ROUNDS: usize = 5;

fn run(bench: &mut Bench) -> Result<(), String> {
    throughput(bench)?;
    latency(bench)?;
    memory(bench, "threads", |count| pool(Nothing, 100, count))?;
    let runtime = several_threads();
    memory(bench, "tasks", |count| tasks(&runtime, Nothing, 100, count))?;
    drop(runtime);
    stop(bench)
}

/// Measures the time of a message when there is always another one.
fn throughput(bench: &mut Bench) -> Result<(), String> {
    bench.say("Throughput: the time for each message. A handler does nothing, or waits for a millisecond.\n");
    let (several, one) = (several_threads(), one_thread());
    let mut cases = Vec::new();
    for (handler, size) in [(Nothing, 1), (Nothing, 4), (Nothing, 100), (Waits, 100)] {
        let count = handler.messages();
        let name = |way: &str| format!("{}, {way}", handler.name(size));
        let base = name("bounded channel of crossbeam");
        cases.push(timed(&base, count, move || by_channel(handler, size)).beside(&base));
        let ours = timed(&name(OUR_THREADS), count, move || pool(handler, size, count));
        cases.push(ours.beside(&base).wanted(1.3));
        for (runtime, workers) in [(&several, ""), (&one, " in one thread")] {
            let base = name(&format!("tasks of tokio{workers}"));
            cases.push(timed(&base, count, move || by_hand(runtime, handler, size)).beside(&base));
            let name = name(&format!("{OUR_TASKS}{workers}"));
            let ours = timed(&name, count, move || tasks(runtime, handler, size, count));
            cases.push(ours.beside(&base).wanted(1.3));
        }
    }
    let script = bench.programs.script("pool");
    let mut further = Vec::new();
    for (handler, argument, at_most) in [(Nothing, "nothing", 1.0 / 3.0), (Waits, "waits", 1.0)] {
        let name = |way: &str| format!("{}, {way}", handler.name(100));
        let program = Program::new("/usr/bin/python3").arg(&script).args([&handler.messages().to_string(), argument]);
        let base = name("pool of gevent");
        cases.push(run_program(&base, program, Clock::Printed).beside(&base));
        further.extend([OUR_THREADS, OUR_TASKS].map(|ours| (name(ours), base.clone(), at_most)));
    }
    let further: Vec<_> =
        further.iter().map(|(ours, base, at_most)| (ours.as_str(), base.as_str(), *at_most)).collect();
    measure(bench, ROUNDS, ["ns", "× theirs"], &cases, &further)
}

/// Measures the time from fetching a message to its handler, when no other one is in work.
fn latency(bench: &mut Bench) -> Result<(), String> {
    bench.say(
        "Latency: from the fetching of a message to its handler, 200 µs after the message before, in a pool of 100.\n",
    );
    let runtime = several_threads();
    let [channel, spawned] = ["bounded channel of crossbeam", "tasks of tokio"];
    let cases = [
        Case::new(channel, |_| Ok(implementations::channel_latency(100, SPACED).into())),
        Case::new(OUR_THREADS, |_| Ok(implementations::pool_latency(100, SPACED).into())),
        Case::new(spawned, |_| Ok(implementations::spawn_latency(&runtime, 100, SPACED).into())).beside(spawned),
        Case::new(OUR_TASKS, |_| Ok(implementations::task_latency(&runtime, 100, SPACED).into())).beside(spawned),
    ];
    measure(bench, ROUNDS, ["µs", "× theirs"], &cases, &[])
}

/// Returns a case of `count` messages: the nanoseconds per message.
#[allow(clippy::cast_precision_loss)] // Of numbers far below that.
fn timed<'a>(name: &str, count: u64, run: impl Fn() + 'a) -> Case<'a> {
    Case::new(name, move |_| {
        let begin = Instant::now();
        run();
        Ok((begin.elapsed().as_nanos() as f64 / count as f64).into())
    })
}

/// Measures the memory that nine million messages leave in use beyond that of the first million.
fn memory(bench: &mut Bench, name: &str, run: impl Fn(u64)) -> Result<(), String> {
    run(1_000_000);
    let before = resident()?;
    run(9_000_000);
    let grown = resident()?.saturating_sub(before);
    #[allow(clippy::cast_precision_loss)] // Of numbers far below that.
    let wanted = bench.limits.cell(grown as f64, Some(1024.0));
    bench.say(format_args!(
        "Memory, {name}: {before} KiB after a million messages, {grown} KiB more after ten million (wanted {wanted}).\n"
    ));
    Ok(())
}

/// Returns `VmRSS` in KiB.
fn resident() -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.ok_or_else(|| "no `VmRSS` in `/proc/self/status`".into())
}

/// Measures the stop of a daemon that waits for messages.
fn stop(bench: &mut Bench) -> Result<(), String> {
    bench.say("Stop of a daemon that has no messages, from the verb to its return:\n");
    let program = bench.programs.rust("messages", "idle", Profile::Release)?;
    let pidfile = bench.work_dir.join("idle.pid");
    let load = load();
    let kinds = ["threads", "tasks"];
    let samples = interleave(bench.rounds(30), &[1, 1], |case, _| {
        let target =
            Target { launcher: Program::new(&program).arg(kinds[case]).arg(&pidfile), pidfile: pidfile.clone() };
        let daemon = target.start(&bench.work_dir)?;
        let begin = Instant::now();
        daemon::Daemon::new("idle").pidfile(&pidfile).stop().map_err(|error| error.to_string())?;
        let time = begin.elapsed();
        daemon.reap()?;
        Ok::<_, String>(time.as_secs_f64() * 1e3)
    })?;
    let mut table = Table::new(&["", "rounds", "ms [p10..p90]", "wanted"]);
    for (kind, case) in kinds.iter().zip(&samples) {
        let wanted = bench.limits.cell(case.median(), Some(2.0));
        table.row([(*kind).to_owned(), case.count().to_string(), case.summary(), wanted]);
    }
    bench.table(&table, &load);
    Ok(())
}
