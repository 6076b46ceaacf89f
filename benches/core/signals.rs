//! The part `signal`: the time from a signal to the code that handles it, in another process than the sender's.

use std::fs::{self, File};
use std::hint;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use measure::{Samples, Table, interleave, load, median, number, percentile};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

use crate::bench::{Bench, Part};
use crate::children::{Child, Daemon, Program};
use crate::programs::Profile;

pub(crate) const PART: Part = Part { name: "signal", title: "Signal → handler", run };

/// The time that a receiver has for one signal.
const TIMEOUT: i64 = 5_000_000_000;

/// The number of signals in a round, and the pause before each one.
#[derive(Clone, Copy)]
struct Rhythm {
    signals: usize,
    pause: Duration,
}

/// A running receiver: it notes in `record` when its code for the signal runs, and how often it has.
struct Receiver {
    name: &'static str,
    process: Daemon,
    record: File,
    wanted: Option<f64>,
}

fn run(bench: &mut Bench) -> Result<(), String> {
    let (programs, work_dir) = (&bench.programs, &bench.work_dir);
    let receive = programs.rust("signals", "receive", Profile::Release)?;
    let start = |name, program| Receiver::start(work_dir, name, program);
    // In a session of its own as the daemon is: the kernel divides the processors among sessions.
    let apart = || Program::new("setsid");
    let receivers = [
        start("C: `sigwaitinfo` in a thread", apart().arg(programs.c("sigwaitinfo", &[])?))?,
        start("**ours**: `signals = { SIGUSR1 => … }`", Program::new(&receive).arg("ours"))?.wanted(2.0),
        start("signal-hook: iterator in a thread", apart().arg(&receive).arg("iterator"))?,
        start("CPython: `signal.signal`", apart().arg("python3").arg(programs.script("handler")))?,
    ];
    let hot = Rhythm { signals: 1000, pause: Duration::from_micros(100) };
    let cold = Rhythm { signals: 100, pause: Duration::from_millis(2) };
    bench.say("Hot, 100 µs after the one before:\n");
    measure(bench, &receivers, hot, true)?;
    bench.say("Cold, 2 ms after the one before: the processors have gone to sleep, and the sender too, so that a receiver may take its work_dir.\n");
    measure(bench, &receivers, cold, false)
}

/// Sends the signals of each round to each receiver, and reports the medians; the percentiles are those of all signals.
fn measure(bench: &mut Bench, receivers: &[Receiver], rhythm: Rhythm, has_limit: bool) -> Result<(), String> {
    let load = load();
    let mut all = vec![Vec::new(); receivers.len()];
    let samples = interleave(bench.rounds(10), &vec![1; receivers.len()], |case, round| {
        let receiver = &receivers[case];
        let times: Result<Vec<f64>, String> = (0..rhythm.signals).map(|_| receiver.latency(rhythm.pause)).collect();
        let times = times.map_err(|problem| format!("{}: {problem}", receiver.name))?;
        if round > 0 {
            all[case].extend_from_slice(&times);
        }
        Ok::<_, String>(median(&times))
    })?;
    let mut table = Table::new(&["", "n", "µs [p10..p90]", "p99", "× sigwaitinfo", "wanted"]);
    for ((receiver, case), times) in receivers.iter().zip(&samples).zip(&all) {
        let wanted = receiver.wanted.filter(|_| has_limit);
        let [_, _, ratio, wanted] = bench.cells(case, &samples[0], wanted);
        let all = Samples::of(times);
        let late = number(percentile(times, 0.99));
        table.row([receiver.name.to_owned(), times.len().to_string(), all.summary(), late, ratio, wanted]);
    }
    bench.table(&table, &load);
    Ok(())
}

impl Receiver {
    /// Starts a program that gets the paths of its pidfile and of its record as last arguments.
    fn start(work_dir: &measure::WorkDir, name: &'static str, program: Program) -> Result<Self, String> {
        let number = fs::read_dir(work_dir.path()).map_err(|error| error.to_string())?.count();
        let pidfile = work_dir.join(format!("receiver-{number}.pid"));
        let record = work_dir.write(&format!("receiver-{number}.record"), [0; 16]);
        Child::start(&program.arg(&pidfile).arg(&record), work_dir)?;
        let process = Daemon::wait(&pidfile)?;
        let record = File::open(&record).map_err(|error| format!("failed to open `{}`: {error}", record.display()))?;
        Ok(Self { name, process, record, wanted: None })
    }

    fn wanted(self, at_most: f64) -> Self {
        Self { wanted: Some(at_most), ..self }
    }

    /// Sends the signal after a pause, and returns the microseconds until the receiver's code for it ran.
    fn latency(&self, pause: Duration) -> Result<f64, String> {
        wait(pause);
        let count = self.read(8)?;
        let sent = now()?;
        kill(self.process.pid, Signal::SIGUSR1).map_err(|error| format!("failed to signal: {error}"))?;
        while self.read(8)? == count {
            if now()? - sent > TIMEOUT {
                return Err("a signal was not handled".into());
            }
        }
        // The receiver writes the time before the number.
        #[allow(clippy::cast_precision_loss)] // Of seconds at most.
        Ok((self.read(0)? - sent) as f64 / 1e3)
    }

    fn read(&self, offset: u64) -> Result<i64, String> {
        let mut bytes = [0; 8];
        self.record.read_exact_at(&mut bytes, offset).map_err(|error| format!("failed to read a record: {error}"))?;
        Ok(i64::from_ne_bytes(bytes))
    }
}

fn wait(pause: Duration) {
    if pause >= Duration::from_millis(1) {
        return thread::sleep(pause);
    }
    // A sleep of this length would take longer.
    let begin = Instant::now();
    while begin.elapsed() < pause {
        hint::spin_loop();
    }
}

fn now() -> Result<i64, String> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_err(|error| format!("failed to read the clock: {error}"))?;
    Ok(time.num_nanoseconds())
}
