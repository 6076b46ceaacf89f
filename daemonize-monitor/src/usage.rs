//! What the bots' processes use of the machine: processor time and memory, as `/proc` says.
//!
//! Each bot has a session of its own, whose number is the pid of its first process: so one look at all processes tells
//! what belongs to whom, and a bot that starts many processes is told as one.

use nix::unistd::{SysconfVar, sysconf};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whoever asks again within this time is told the same: a look at thousands of processes takes milliseconds.
const FRESH: Duration = Duration::from_millis(900);
/// Unless it is about somebody new.
const NEW: Duration = Duration::from_millis(100);
/// And however often somebody asks, not more than this part of the time is spent on it: a tenth.
const SHARE: u32 = 10;

/// A longer line is not one of `/proc/PID/stat`.
const LONGEST: u64 = 4096;

/// What one session uses.
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
    /// Processor time of each process, by its pid and when it began.
    ticks: HashMap<(i32, u64), u64>,
    used: HashMap<i32, Used>,
}

/// What is of interest in `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    pid: i32,
    session: i32,
    /// Processor time, of the user and of the kernel for it.
    ticks: u64,
    /// Since the boot, in ticks.
    began: u64,
    pages: u64,
}

impl Usage {
    /// What these sessions used at the last look, by their numbers. Does not look.
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
            let fresh = FRESH.max(last.cost * SHARE);
            let new = NEW.max(last.cost * SHARE);
            let is_known = |session: &i32| last.used.contains_key(session);
            if age.is_some_and(|age| age < new || (age < fresh && sessions.iter().all(is_known))) {
                return;
            }
        }
        let stats = stats();
        let mut last = self.last();
        last.look(begin, &stats);
        last.cost = begin.elapsed();
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    /// Takes a look over. One that comes too soon to be exact keeps what is known of processor time.
    fn look(&mut self, now: Instant, stats: &[Stat]) {
        let since = self.measured.map(|at| now.duration_since(at));
        let time = since.filter(|since| *since >= FRESH);
        let mut sums: HashMap<i32, (u64, u64)> = HashMap::new();
        let mut ticks = HashMap::new();
        for stat in stats {
            let key = (stat.pid, stat.began);
            let new = stat.ticks.saturating_sub(self.ticks.get(&key).copied().unwrap_or(0));
            let sum = sums.entry(stat.session).or_default();
            *sum = (sum.0 + new, sum.1 + stat.pages);
            ticks.insert(key, stat.ticks);
        }
        let (second, page) = (unit(SysconfVar::CLK_TCK, 100), unit(SysconfVar::PAGE_SIZE, 4096));
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

fn unit(what: SysconfVar, usual: u64) -> u64 {
    sysconf(what)
        .ok()
        .flatten()
        .and_then(|number| u64::try_from(number).ok())
        .filter(|number| *number > 0)
        .unwrap_or(usual)
}

/// All processes that can be seen.
fn stats() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut text = Vec::with_capacity(512);
    let mut stats = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
            continue;
        }
        text.clear();
        // It may have ended meanwhile.
        let read = File::open(entry.path().join("stat")).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        if read.is_ok() {
            stats.extend(parse(&text));
        }
    }
    stats
}

/// `proc_pid_stat(5)`. The second field is a name in parentheses that may contain anything.
fn parse(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(&text[..open]).ok()?.trim().parse().ok()?;
    // The third field is number 0 here.
    let fields: Vec<&str> = std::str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index - 3)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        session: fields.get(6 - 3)?.parse().ok()?,
        ticks: number(14)? + number(15)?,
        began: number(22)?,
        pages: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] =
        b"42 (a) b (c)) S 1 40 41 0 -1 4194560 1 0 0 0 7 3 0 0 20 0 1 0 9000 1000000 250 18446744073709551615 1 1";

    #[test]
    fn a_name_does_not_confuse() {
        assert_eq!(parse(TEXT), Some(Stat { pid: 42, session: 41, ticks: 10, began: 9000, pages: 250 }));
        for length in 0..TEXT.len() - 40 {
            assert!(parse(&TEXT[..length]).is_none_or(|stat| stat.pid == 42), "{length}");
        }
    }

    #[test]
    fn processor_time_is_that_since_the_look_before() {
        let stat = |pid, ticks, began| Stat { pid, session: 5, ticks, began, pages: 2 };
        let (mut last, begin) = (Last::default(), Instant::now());
        let second = unit(SysconfVar::CLK_TCK, 100);
        let page = unit(SysconfVar::PAGE_SIZE, 4096);
        last.look(begin, &[stat(5, 1000, 1), stat(6, 70, 2), Stat { session: 9, ..stat(7, 3, 1) }]);
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
