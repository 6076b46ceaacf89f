//! What a message costs, beside what people write by hand, and beside gevent: `scripts/bench messages`.
//!
//! Everything is measured in the same run, in turns, and the medians are compared: a busy machine is busy for all.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use daemon::{__private as pools, Daemon};
use measure::median;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

const ROUNDS: usize = 5;

/// What a handler does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Handler {
    Nothing,
    /// A millisecond, as one that asks a database does.
    Waits,
}

impl Handler {
    fn messages(self) -> u64 {
        match self {
            Handler::Nothing => 100_000,
            Handler::Waits => 10_000,
        }
    }

    fn handle(self, message: u64) {
        black_box(message);
        if self == Handler::Waits {
            thread::sleep(Duration::from_millis(1));
        }
    }

    async fn handle_async(self, message: u64) {
        black_box(message);
        if self == Handler::Waits {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, verb, pidfile] = &arguments[..] {
        return idle(verb, pidfile);
    }
    let mut missed = 0;
    println!("{:<54}{:>10}{:>10}{:>8}{:>8}", "", "ours", "theirs", "ratio", "at most");
    for (handler, size) in
        [(Handler::Nothing, 1), (Handler::Nothing, 4), (Handler::Nothing, 100), (Handler::Waits, 100)]
    {
        let name = |kind: &str| format!("{handler:?}, pool of {size}: {kind}");
        missed += compare(
            &name("a bounded channel of crossbeam"),
            1.3,
            || pool(handler, size, handler.messages()),
            || by_channel(handler, size),
        );
        for runtime in [several_threads(), one_thread()] {
            let kind = if runtime.metrics().num_workers() > 1 { "tokio by hand" } else { "tokio by hand, one thread" };
            missed += compare(
                &name(kind),
                1.3,
                || tasks(&runtime, handler, size, handler.messages()),
                || by_hand(&runtime, handler, size),
            );
        }
    }
    missed += beside_gevent();
    missed += memory("threads", |count| pool(Handler::Nothing, 100, count));
    let runtime = several_threads();
    missed += memory("tasks", |count| tasks(&runtime, Handler::Nothing, 100, count));
    missed += stop_latency();
    println!("{missed} missed");
    ExitCode::from(u8::from(missed > 0))
}

fn several_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Our threads.
fn pool(handler: Handler, size: usize, count: u64) {
    let mut messages = 0..count;
    pools::pump(size, move || messages.next(), move |message| handler.handle(message));
}

/// Our tasks.
fn tasks(runtime: &Runtime, handler: Handler, size: usize, count: u64) {
    let mut messages = 0..count;
    let handle = move |message| handler.handle_async(message);
    runtime.block_on(pools::pump_async(size, async || messages.next(), handle));
}

/// As many threads, fed by a bounded channel.
fn by_channel(handler: Handler, size: usize) {
    let (sender, receiver) = crossbeam_channel::bounded(size);
    thread::scope(|scope| {
        for _ in 0..size {
            let receiver = receiver.clone();
            scope.spawn(move || receiver.iter().for_each(|message| handler.handle(message)));
        }
        for message in 0..handler.messages() {
            sender.send(message).expect("somebody receives");
        }
        drop(sender);
    });
}

/// A permit for each task.
fn by_hand(runtime: &Runtime, handler: Handler, size: usize) {
    runtime.block_on(async {
        let permits = Arc::new(Semaphore::new(size));
        for message in 0..handler.messages() {
            let permit = Arc::clone(&permits).acquire_owned().await.expect("it is never closed");
            tokio::spawn(async move {
                handler.handle_async(message).await;
                drop(permit);
            });
        }
        let all = u32::try_from(size).expect("a small number");
        drop(permits.acquire_many(all).await);
    });
}

/// A line of the table; whether the ratio is more than it should be.
fn compare(name: &str, at_most: f64, ours: impl FnMut(), theirs: impl FnMut()) -> u32 {
    let count = if name.starts_with("Waits") { Handler::Waits } else { Handler::Nothing }.messages();
    let (ours, theirs) = in_turns(timed(ours, count), timed(theirs, count));
    line(name, at_most, ours, theirs)
}

fn line(name: &str, at_most: f64, ours: f64, theirs: f64) -> u32 {
    let ratio = ours / theirs;
    println!("{name:<54}{ours:>7.0} ns{theirs:>7.0} ns{ratio:>8.2}{at_most:>8.2}");
    u32::from(ratio > at_most)
}

#[allow(clippy::cast_precision_loss)] // Of numbers far below that.
fn timed(mut run: impl FnMut(), count: u64) -> impl FnMut() -> f64 {
    move || {
        let begin = Instant::now();
        run();
        begin.elapsed().as_nanos() as f64 / count as f64
    }
}

/// The medians of two measurements, made in turns.
fn in_turns(mut one: impl FnMut() -> f64, mut other: impl FnMut() -> f64) -> (f64, f64) {
    let (ones, others): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| (one(), other())).unzip();
    (median(&ones), median(&others))
}

/// Three times as fast, at least, where the handler does nothing.
fn beside_gevent() -> u32 {
    let runtime = several_threads();
    let gevent = |count: u64, handler: &'static str| {
        move || {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.py");
            let output = Command::new("/usr/bin/python3").args([script, &count.to_string(), handler]).output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
            text.ok().and_then(|text| text.parse().ok()).expect("gevent, which `scripts/bench` installs")
        }
    };
    let mut missed = 0;
    for (handler, name, at_most) in [(Handler::Nothing, "nothing", 1.0 / 3.0), (Handler::Waits, "waits", 1.0)] {
        let count = handler.messages();
        let threads = timed(|| pool(handler, 100, count), count);
        let (ours, theirs) = in_turns(threads, gevent(count, name));
        missed += line(&format!("{handler:?}, pool of 100: threads and gevent"), at_most, ours, theirs);
        let tasks = timed(|| tasks(&runtime, handler, 100, count), count);
        let (ours, theirs) = in_turns(tasks, gevent(count, name));
        missed += line(&format!("{handler:?}, pool of 100: tasks and gevent"), at_most, ours, theirs);
    }
    missed
}

/// How much ten million messages leave in memory that the first million did not.
fn memory(name: &str, run: impl Fn(u64)) -> u32 {
    run(1_000_000);
    let before = resident();
    run(9_000_000);
    let grown = resident().saturating_sub(before);
    println!("memory, {name}: {before} KiB after a million messages, {grown} KiB more after ten million");
    u32::from(grown > 1024)
}

/// `VmRSS`, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line about it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// This program as an idle daemon: with threads or with tasks.
fn idle(kind: &str, pidfile: &str) -> ExitCode {
    let daemon = Daemon::new("idle").pidfile(pidfile);
    let started = match kind {
        "threads" => daemon.messages(|| None::<u8>, |_| ()).start(),
        "tasks" => daemon.messages_async(|| None::<u8>, async |_| ()).start(),
        other => panic!("which kind? {other}"),
    };
    started.map_or_else(|error| error.report(), |_| ExitCode::SUCCESS)
}

/// How long it takes until an idle daemon is gone, told by its pidfile.
fn stop_latency() -> u32 {
    let mut missed = 0;
    for kind in ["threads", "tasks"] {
        let pidfile = std::env::temp_dir().join(format!("bench-{}.pid", std::process::id()));
        let program = std::env::current_exe().expect("a path");
        let times = (0..30).map(|_| {
            let launch = Command::new(&program).arg(kind).arg(&pidfile).status();
            assert!(launch.is_ok_and(|status| status.success()), "the daemon does not start");
            let begin = Instant::now();
            Daemon::new("idle").pidfile(&pidfile).stop().expect("it stops");
            begin.elapsed().as_secs_f64() * 1e3
        });
        let time = median(&times.collect::<Vec<_>>());
        println!("stop of an idle daemon, {kind}: {time:.2} ms, at most 2");
        missed += u32::from(time > 2.0);
    }
    missed
}
