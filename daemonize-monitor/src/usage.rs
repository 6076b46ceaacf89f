//! The resource usage of bots: processor time and resident memory, from `/proc/PID/stat`.
//!
//! Each bot has a session of its own, whose number is the pid of its first process: one scan
//! of `/proc` attributes every process to its bot, and adds up the processes of a bot.

use crate::process;
use daemonize_core::Pid;
use daemonize_sys::mutex::lock;
use daemonize_sys::proc::{ProcStat, page_size, ticks_per_second};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The age up to which a scan is reused: a scan of thousands of processes takes milliseconds.
const MAX_AGE: Duration = Duration::from_millis(900);
/// The shortest interval between scans, for a session that the last scan does not contain.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// A scan is reused for at least this many times its own duration, so that scans take at most a tenth of the time.
const COST_FACTOR: u32 = 10;

/// The resource usage of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Used {
    /// In percent of one processor, since the look before; nothing the first time.
    pub(crate) cpu: Option<f64>,
    /// Resident memory in bytes.
    pub(crate) memory: u64,
}

/// Looks, and remembers the last look.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    looked: Option<Instant>,
    /// How long that took.
    cost: Duration,
    /// When processor time was measured.
    measured: Option<Instant>,
    /// Processor time of each process, by its pid and its start time.
    ticks: HashMap<(Pid, u64), u64>,
    used: HashMap<i32, Used>,
}

impl Usage {
    /// Returns the usage of these sessions at the last scan, by session number. Does not scan.
    pub(crate) fn of(&self, sessions: &[i32]) -> HashMap<i32, Used> {
        let last = self.last();
        sessions.iter().filter_map(|session| Some((*session, *last.used.get(session)?))).collect()
    }

    /// Looks again if the last look is too old, or knows nothing of one of these sessions. Reads a file for each process
    /// of the machine: not for a thread that others wait for.
    pub(crate) fn look(&self, sessions: &[i32]) {
        let begin = Instant::now();
        {
            let last = self.last();
            let age = last.looked.map(|at| begin.duration_since(at));
            let fresh = MAX_AGE.max(last.cost * COST_FACTOR);
            let new = MIN_INTERVAL.max(last.cost * COST_FACTOR);
            let is_known = |session: &i32| last.used.contains_key(session);
            if age.is_some_and(|age| age < new || (age < fresh && sessions.iter().all(is_known))) {
                return;
            }
        }
        let stats: Vec<(Pid, ProcStat)> = process::all_pids().filter_map(with_stat).collect();
        let mut last = self.last();
        last.look(begin, &stats);
        last.cost = begin.elapsed();
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        lock(&self.0)
    }
}

impl Last {
    /// Takes a look over. One that comes too soon to be exact keeps what is known of processor time.
    fn look(&mut self, now: Instant, stats: &[(Pid, ProcStat)]) {
        let since = self.measured.map(|at| now.duration_since(at));
        let time = since.filter(|since| *since >= MAX_AGE);
        let mut sums: HashMap<i32, (u64, u64)> = HashMap::new();
        let mut ticks = HashMap::new();
        for (pid, stat) in stats {
            let key = (*pid, stat.start_time);
            let new = stat.cpu_ticks.saturating_sub(self.ticks.get(&key).copied().unwrap_or(0));
            let sum = sums.entry(stat.session).or_default();
            *sum = (sum.0 + new, sum.1 + stat.resident_pages);
            ticks.insert(key, stat.cpu_ticks);
        }
        let (second, page) = (ticks_per_second(), page_size());
        let used = sums.into_iter().map(|(session, (new, pages))| {
            let known = self.used.get(&session).and_then(|used| used.cpu);
            (session, Used { cpu: time.map(|time| percent(new, second, time)).or(known), memory: pages * page })
        });
        self.used = used.collect();
        self.looked = Some(now);
        if time.is_some() || since.is_none() {
            self.measured = Some(now);
            self.ticks = ticks;
        }
    }
}

#[allow(clippy::cast_precision_loss)] // Of numbers that are small.
fn percent(ticks: u64, second: u64, time: Duration) -> f64 {
    let percent = ticks as f64 / second as f64 / time.as_secs_f64() * 100.0;
    (percent * 10.0).round() / 10.0
}

/// Returns the process with its `/proc/PID/stat`; `None` if it has ended meanwhile.
fn with_stat(pid: Pid) -> Option<(Pid, ProcStat)> {
    Some((pid, ProcStat::of(pid).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process of session 5 with 2 pages of memory.
    fn stat(pid: i32, cpu_ticks: u64, start_time: u64) -> (Pid, ProcStat) {
        let text = format!("{pid} (a) S 1 5 5 0 -1 0 0 0 0 0 {cpu_ticks} 0 0 0 20 0 1 0 {start_time} 0 2");
        (Pid::from_raw(pid).unwrap(), ProcStat::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn processor_time_is_that_since_the_look_before() {
        let (mut last, begin) = (Last::default(), Instant::now());
        let (second, page) = (ticks_per_second(), page_size());
        let mut elsewhere = stat(7, 3, 1);
        elsewhere.1.session = 9;
        last.look(begin, &[stat(5, 1000, 1), stat(6, 70, 2), elsewhere]);
        assert_eq!(last.used[&5], Used { cpu: None, memory: 4 * page });
        assert_eq!(last.used[&9], Used { cpu: None, memory: 2 * page });
        // Half of the time of one, and another process of the same number that began later: a quarter.
        let later = begin + Duration::from_secs(2);
        last.look(later, &[stat(5, 1000 + second, 1), stat(6, second / 2, 3)]);
        assert_eq!(last.used[&5].cpu, Some(75.0));
        // Too soon to be exact.
        last.look(later + Duration::from_millis(10), &[stat(5, 1000 + second, 1)]);
        assert_eq!(last.used[&5], Used { cpu: Some(75.0), memory: 2 * page });
        last.look(later + Duration::from_secs(1), &[stat(5, 1000 + second * 2, 1)]);
        assert_eq!(last.used[&5].cpu, Some(100.0));
    }

    #[test]
    fn this_process_is_seen() {
        let session = nix::unistd::getsid(None).unwrap().as_raw();
        let usage = Usage::default();
        assert!(usage.of(&[session]).is_empty());
        usage.look(&[session]);
        let used = usage.of(&[session, -1]);
        assert!(used[&session].memory > 100_000 && used.len() == 1, "{used:?}");
    }
}
