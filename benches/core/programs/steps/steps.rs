//! Measures the cost of a step: `steps LOOP STEPS MICROSECONDS`. LOOP is one of ours (`step`, `paced`, `async-step`, `async-paced`) or
//! a bare one in its work_dir (`bare`, `bare-paced`, `async-bare`, `async-yields`, `async-interval`).
//!
//! A loop at full speed prints the nanoseconds of processor time of each step. A paced one prints how late each step
//! began, in nanoseconds, and at last the processor time of each step.

use std::convert::Infallible;
use std::hint::black_box;
use std::ops::ControlFlow::{self, Break, Continue};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use nix::sys::time::{TimeSpec, TimeValLike};
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};
use tokio::runtime::Builder;
use tokio::time::{Instant, interval_at};

/// The flag that a handler of SIGTERM would set.
static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let (kind, steps) = (std::env::args().nth(1), number(2));
    let (mut counted, mut beats) = (Count::new(steps), Beats::new(steps, pace()));
    match kind.as_deref() {
        Some("step") => return failed(count::foreground(counted)),
        Some("paced") => return failed(beat::foreground(beats)),
        Some("async-step") => return failed(count_async::foreground(counted)),
        Some("async-paced") => return failed(beat_async::foreground(beats)),
        Some("bare") => while !STOP.load(Relaxed) && counted.step().is_continue() {},
        Some("bare-paced") => bare_paced(&mut beats),
        Some("async-bare") => block_on(async_bare(&mut counted)),
        Some("async-yields") => block_on(async_yields(&mut counted)),
        Some("async-interval") => block_on(async_interval(&mut beats)),
        other => panic!("which loop? {other:?}"),
    }
    ExitCode::SUCCESS
}

fn failed(outcome: daemon::Result<Infallible>) -> ExitCode {
    let Err(error) = outcome;
    error.report()
}

#[daemon::step(pidfile = none, stdout = inherit)]
fn count(counted: &mut Count) -> ControlFlow<()> {
    counted.step()
}

#[daemon::step(pidfile = none, stdout = inherit, every = pace())]
fn beat(beats: &mut Beats) -> ControlFlow<()> {
    beats.step()
}

#[daemon::step(pidfile = none, stdout = inherit, runtime = current_thread)]
async fn count_async(counted: &mut Count) -> ControlFlow<()> {
    counted.step()
}

#[daemon::step(pidfile = none, stdout = inherit, runtime = current_thread, every = pace())]
async fn beat_async(beats: &mut Beats) -> ControlFlow<()> {
    beats.step()
}

fn bare_paced(beats: &mut Beats) {
    let mut next = TimeSpec::nanoseconds(clock(ClockId::CLOCK_MONOTONIC));
    while !STOP.load(Relaxed) && beats.step().is_continue() {
        next = next + TimeSpec::from(pace());
        let _ = clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &next);
    }
}

/// Runs a body in a runtime like the daemon's.
fn block_on(body: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(body);
}

async fn async_bare(counted: &mut Count) {
    while !STOP.load(Relaxed) && count_async::call(counted).await.is_continue() {}
}

/// Lets spawned tasks run after each step, as the daemon does.
async fn async_yields(counted: &mut Count) {
    while !STOP.load(Relaxed) && count_async::call(counted).await.is_continue() {
        tokio::task::yield_now().await;
    }
}

async fn async_interval(beats: &mut Beats) {
    // An interval that ticks at once would take a tick of the runtime's timer, and so be late only once.
    let mut interval = interval_at(Instant::now() + pace(), pace());
    while !STOP.load(Relaxed) && beat_async::call(beats).await.is_continue() {
        interval.tick().await;
    }
}

/// Counts steps, and keeps the processor time at the first.
struct Count {
    done: u64,
    steps: u64,
    begin: i64,
}

impl Count {
    fn new(steps: u64) -> Self {
        Self { done: 0, steps, begin: clock(ClockId::CLOCK_PROCESS_CPUTIME_ID) }
    }

    /// Counts, and after the last step prints the nanoseconds of processor time of each one.
    fn step(&mut self) -> ControlFlow<()> {
        increment(&mut self.done);
        if self.done < self.steps { Continue(()) } else { self.end() }
    }

    #[cold]
    fn end(&self) -> ControlFlow<()> {
        println!("{}", (clock(ClockId::CLOCK_PROCESS_CPUTIME_ID) - self.begin) as f64 / self.steps as f64);
        Break(())
    }
}

/// The work of a step: one addition in memory.
#[inline(never)]
fn increment(counter: &mut u64) {
    *counter = black_box(*counter + 1);
}

/// Notes when steps begin, and keeps the processor time at the first.
struct Beats {
    begun: Vec<i64>,
    steps: usize,
    pace: i64,
    begin: i64,
}

impl Beats {
    fn new(steps: u64, pace: Duration) -> Self {
        let steps = usize::try_from(steps).expect("a small number");
        let begin = clock(ClockId::CLOCK_PROCESS_CPUTIME_ID);
        Self { begun: Vec::with_capacity(steps), steps, pace: pace.as_nanos() as i64, begin }
    }

    /// Notes the time, and after the last step prints how late each one was and what it cost.
    fn step(&mut self) -> ControlFlow<()> {
        self.begun.push(clock(ClockId::CLOCK_MONOTONIC));
        if self.begun.len() < self.steps { Continue(()) } else { self.end() }
    }

    fn end(&self) -> ControlFlow<()> {
        let cost = (clock(ClockId::CLOCK_PROCESS_CPUTIME_ID) - self.begin) / self.steps as i64;
        for begun in &self.begun[1..] {
            // A beat that was missed delays no later one.
            println!("{}", (begun - self.begun[0]) % self.pace);
        }
        println!("{cost}");
        Break(())
    }
}

/// Returns the time of a clock in nanoseconds.
fn clock(clock: ClockId) -> i64 {
    clock_gettime(clock).expect("a clock").num_nanoseconds()
}

/// Returns the number that is this argument of the command line.
fn number(index: usize) -> u64 {
    std::env::args().nth(index).and_then(|text| text.parse().ok()).expect("PROGRAM LOOP STEPS MICROSECONDS")
}

/// Returns the pace on the command line.
fn pace() -> Duration {
    Duration::from_micros(number(3))
}
