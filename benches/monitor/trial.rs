//! One supervisor with its bots, from its start to its end, and what was measured on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use look::{Deadline, Process, now};
use measure::{Cost, WorkDir, cost, descendants, pss};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::starts::{Start, Starts};
use crate::systems::{Bots, System};

/// Long enough for the slowest to start a thousand, and for one to be given up that does not stop a hundred.
const BASE_TIMEOUT: Duration = Duration::from_secs(60);
const TIMEOUT_PER_BOT: Duration = Duration::from_millis(20);
const TO_STOP: Duration = Duration::from_secs(40);

/// How long nothing happens before memory is looked at, and while the processor is.
const CALM: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(5);

/// The measurements of one supervisor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Milliseconds from the supervisor's start to the first line of the last bot.
    pub(crate) up: f64,
    /// KiB of all its processes but the bots.
    pub(crate) memory: f64,
    /// The number of these processes.
    pub(crate) processes: usize,
    /// Milliseconds of the processor that they used until all bots were up.
    pub(crate) spent: f64,
    /// The CPU time that they used in `IDLE`.
    pub(crate) idle: Cost,
    /// Milliseconds from `kill -9` to the first line of the next start of that bot.
    pub(crate) restarts: Vec<f64>,
    /// Milliseconds from the signal to the end of the supervisor and all bots.
    pub(crate) stop: f64,
    /// Bots that lived on, and those that the supervisor did not take the status of.
    pub(crate) left: usize,
    pub(crate) unreaped: usize,
}

/// A running supervisor. Its remaining processes are killed when it is dropped.
struct Running {
    child: Child,
    /// Its number is no longer its own.
    reaped: bool,
    starts: Starts,
    _place: WorkDir,
}

/// Runs `system` with these bots, kills some of them, and stops it. The file of their starts is made here.
///
/// # Errors
/// What did not happen in time, with the last lines that the supervisor printed.
pub(crate) fn trial(system: System, bots: &Bots, kills: usize) -> Result<Measured, String> {
    let count = bots.count;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    let needed = system.descriptors(bots.is_kept) * count + 100;
    if needed as u64 > most {
        return Err(format!("it needs {needed} descriptors, and may have {most} (ulimit -Hn)"));
    }
    let work_dir = WorkDir::new();
    let starts = Starts::new(work_dir.join("starts"));
    let bots = Bots { starts: starts.path().to_owned(), ..bots.clone() };
    let mut command = system.command(&work_dir, &bots);
    let output = File::create(work_dir.join("output")).expect("failed to create a file in the working directory");
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("HOME", work_dir.path());
    command.current_dir(work_dir.path()).stdin(Stdio::null());
    command.stdout(output.try_clone().expect("a descriptor")).stderr(output);
    let begin = now();
    let child = command.spawn().map_err(|error| format!("failed to run {command:?}: {error}"))?;
    let mut running = Running { child, reaped: false, starts, _place: work_dir };
    let mut measured = Measured::default();
    let patience = BASE_TIMEOUT + TIMEOUT_PER_BOT * u32::try_from(count).unwrap_or(u32::MAX);
    let all = running.starts.wait(count, Deadline::after(patience))?;
    measured.up = all.iter().map(|start| milliseconds(begin, start.at)).fold(0.0, f64::max);
    thread::sleep(CALM);
    running.at_rest(&mut measured);
    measured.restarts = (0..kills).map(|kill| running.kill_one(kill)).collect::<Result<_, _>>()?;
    running.stop(system.stop_signal(), &mut measured);
    Ok(measured)
}

impl Running {
    fn process(&self) -> Process {
        Process::new(self.child.id().try_into().expect("a pid fits into an int"))
    }

    /// Memory and processor while nothing happens.
    #[allow(clippy::cast_precision_loss)] // Of KiB.
    fn at_rest(&self, measured: &mut Measured) {
        let bots: BTreeSet<i32> = self.starts.all().iter().map(|start| start.process.id()).collect();
        let mut own = descendants(self.process());
        own.retain(|process| !bots.contains(&process.id()));
        own.push(self.process());
        measured.processes = own.len();
        measured.memory = own.iter().map(|process| pss(*process) as f64).sum();
        let before = cost(&own);
        measured.spent = before.nanoseconds as f64 / 1e6;
        thread::sleep(IDLE);
        measured.idle = cost(&own) - before;
    }

    /// Kills a bot, at a moment that no clock of the supervisor agrees with, and waits for its next start.
    fn kill_one(&self, turn: usize) -> Result<f64, String> {
        let chosen = chosen(turn);
        thread::sleep(Duration::from_millis(100 + chosen % 1300));
        let all = self.starts.all();
        // One that was not killed before: some make those wait that die twice.
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for start in &all {
            *times.entry(&start.name).or_default() += 1;
        }
        let once: Vec<&Start> = all.iter().filter(|start| times[&*start.name] == 1).collect();
        let index = usize::try_from(chosen).expect("64 bits") % once.len();
        let (bot, count) = (once[index], all.len());
        let killed = now();
        bot.process.signal(Signal::SIGKILL);
        let all = self.starts.wait(count + 1, Deadline::after(BASE_TIMEOUT))?;
        let next = all[count..].iter().find(|start| start.name == bot.name);
        next.map(|start| milliseconds(killed, start.at)).ok_or_else(|| format!("not `{}` was started", bot.name))
    }

    /// Stops the supervisor, and looks at what is left of its bots.
    fn stop(&mut self, signal: Signal, measured: &mut Measured) {
        let bots: Vec<Start> = self.starts.last().into_values().collect();
        let begin = Instant::now();
        self.process().signal(signal);
        let deadline = Deadline::after(TO_STOP);
        let ended = self.process().died(TO_STOP).is_ok();
        self.reaped = ended;
        let mut left: Vec<&Start> = bots.iter().collect();
        // To look at all of them takes its time, too: it is counted only when some were still there.
        let mut took = begin.elapsed();
        loop {
            left.retain(|bot| bot.process.alive());
            if left.is_empty() || !ended || deadline.passed() {
                break;
            }
            thread::sleep(Duration::from_millis(1));
            took = begin.elapsed();
        }
        measured.stop = if ended && left.is_empty() { took.as_secs_f64() * 1e3 } else { f64::INFINITY };
        measured.left = left.len();
        measured.unreaped = bots.iter().filter(|bot| bot.process.stat().is_some_and(|stat| stat.state == 'Z')).count();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            let rest = descendants(self.process());
            self.process().signal(Signal::SIGKILL);
            for process in rest {
                process.signal(Signal::SIGKILL);
            }
            let _ = self.child.wait();
        }
        let ours = self.starts.path().display().to_string();
        for start in self.starts.all() {
            // A number that is a stranger's by now does not have our file among its arguments.
            if start.process.arguments().contains(&ours) {
                start.process.signal(Signal::SIGKILL);
            }
        }
        // Orphans are children of this process: see `main`.
        let deadline = Deadline::after(TO_STOP);
        while !deadline.passed() {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => thread::sleep(Duration::from_millis(1)),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

fn milliseconds(from: Duration, to: Duration) -> f64 {
    to.saturating_sub(from).as_secs_f64() * 1e3
}

/// A pseudorandom sequence, the same in every run.
fn chosen(turn: usize) -> u64 {
    let seed = u64::try_from(turn).expect("64 bits") + 1;
    seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
}
