//! Interleaved starts of several programs, and their table.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use measure::{Place, Table, interleave, load};

use crate::bench::Bench;
use crate::children::{Child, Program, end_daemon, named_by, reap_all, wait_for_pidfile};

/// The pause before each start: the machine is to be as idle as before a start by hand.
const PAUSE: Duration = Duration::from_millis(2);

/// A program whose start is measured.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    name: String,
    program: Program,
    /// What names its daemon; without one, the program is measured until it exits.
    pidfile: Option<PathBuf>,
    /// The number of rounds from one start to the next: 1 is every round.
    every: usize,
    wanted: Option<f64>,
}

impl Start {
    /// Creates the start of a daemon.
    pub(crate) fn of(name: impl Into<String>, program: Program, pidfile: &Path) -> Self {
        Self { pidfile: Some(pidfile.to_owned()), ..Self::empty(name, program) }
    }

    /// Creates the start of a program that starts no daemon.
    pub(crate) fn empty(name: impl Into<String>, program: Program) -> Self {
        Self { name: name.into(), program, pidfile: None, every: 1, wanted: None }
    }

    /// Sets what the ratio to the first case may be at most.
    pub(crate) fn wanted(mut self, at_most: f64) -> Self {
        self.wanted = Some(at_most);
        self
    }

    /// Measures it in every tenth round only: it is slow, and its ratio needs no precision.
    pub(crate) fn seldom(mut self) -> Self {
        self.every = 10;
        self
    }
}

/// Measures starts and reports them beside the first one, in milliseconds.
pub(crate) fn measure(bench: &mut Bench, rounds: usize, starts: &[Start]) -> Result<(), String> {
    let load_before = load();
    let mut late = vec![0; starts.len()];
    let every: Vec<usize> = starts.iter().map(|start| start.every).collect();
    let samples = interleave(bench.rounds(rounds), &every, |case, round| {
        let start = &starts[case];
        let (time, is_late) = once(start, &bench.place).map_err(|problem| format!("{}: {problem}", start.name))?;
        late[case] += u32::from(is_late && round > 0);
        Ok::<_, String>(time)
    })?;
    let mut table = Table::new(&["", "n", "ms [p10..p90]", "× limit", "wanted", "late pidfiles"]);
    for ((start, case), late) in starts.iter().zip(&samples).zip(late) {
        let [count, time, ratio, wanted] = bench.cells(case, &samples[0], start.wanted);
        let late = if start.pidfile.is_some() { late.to_string() } else { "–".into() };
        table.row([start.name.clone(), count, time, ratio, wanted, late]);
    }
    bench.table(&table, &load_before);
    Ok(())
}

/// Starts a daemon once; returns the milliseconds, and whether its pidfile named no living process when its launcher had
/// exited.
fn once(start: &Start, place: &Place) -> Result<(f64, bool), String> {
    if let Some(pidfile) = &start.pidfile {
        let _ = fs::remove_file(pidfile);
    }
    thread::sleep(PAUSE);
    let child = Child::start(&start.program, place)?;
    let end = child.reap()?;
    let Some(pidfile) = &start.pidfile else {
        return Ok((milliseconds(end - child.since), false));
    };
    if let Some(daemon) = named_by(pidfile) {
        end_daemon(daemon, pidfile)?;
        return Ok((milliseconds(end - child.since), false));
    }
    let daemon = wait_for_pidfile(pidfile)?;
    let time = child.since.elapsed();
    end_daemon(daemon, pidfile)?;
    Ok((milliseconds(time), true))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
