//! Memory and CPU usage of processes, from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Sub;

use look::Process;

/// The memory of a process in KiB, its share of what it shares with others included: `Pss` of `smaps_rollup`. Zero when
/// it is gone.
pub fn pss(process: Process) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id())).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// How many threads a process has.
pub fn threads(process: Process) -> usize {
    process.stat().map_or(0, |stat| stat.threads)
}

/// The CPU usage of processes since they started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Clock ticks of 10 ms, in user and kernel: what `top` shows.
    pub ticks: u64,
    /// Nanoseconds on a processor.
    pub nanoseconds: u64,
    /// How often they were given a processor: a thread that sleeps all the time never is.
    pub turns: u64,
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            ticks: self.ticks.saturating_sub(other.ticks),
            nanoseconds: self.nanoseconds.saturating_sub(other.nanoseconds),
            turns: self.turns.saturating_sub(other.turns),
        }
    }
}

/// Returns the CPU usage of these processes, including all their threads.
pub fn cost(processes: &[Process]) -> Cost {
    let mut sum = Cost::default();
    for process in processes {
        sum.ticks += ticks(*process);
        for thread in process.threads() {
            let text = fs::read_to_string(format!("/proc/{0}/task/{1}/schedstat", process.id(), thread.id()));
            let text = text.unwrap_or_default();
            let mut fields = text.split_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
            sum.nanoseconds += fields.next().unwrap_or(0);
            sum.turns += fields.nth(1).unwrap_or(0);
        }
    }
    sum
}

/// Fields 14 and 15 of `/proc/PID/stat`, counted after the name.
fn ticks(process: Process) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap_or(0)).sum()
}

/// Everything that descends from this process and still has a parent that does, zombies too.
pub fn descendants(root: Process) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in Process::all() {
        if let Some(stat) = process.stat() {
            children.entry(stat.parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![root.id()];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.id());
            found.push(child);
        }
    }
    found
}
