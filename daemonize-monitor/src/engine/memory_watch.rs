//! The memory of bots with a `memory_max`: when each is measured next, and the measurements, on a thread of their own.
//!
//! A bot is measured the sooner the nearer it is to its limit and the faster it grows, and not at all without a limit. One look at
//! the processes of the machine serves all bots that are due.

use super::slab::Key;
use crate::process::{MemoryReader, TreeFinder, TreeRoot};
use crate::program::StartError;
use crate::secret::Secret;
use crate::spawner::Lookups;
use daemonize_core::Pid;
use nix::sys::eventfd::EventFd;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// When a bot is measured for the first time after its start.
const FIRST_SAMPLE: Duration = Duration::from_millis(500);

/// The shortest and the longest time between two measurements of a bot within its limit.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(250);
const LONGEST_INTERVAL: Duration = Duration::from_secs(10);

/// When a bot over its limit is measured again, before it is stopped: a child between fork and exec counts twice.
const CONFIRMATION_INTERVAL: Duration = Duration::from_millis(100);

/// The seconds in which any bot may use all of its limit: how fast one that has not grown yet may grow.
const SECONDS_TO_FILL: u64 = 20;

/// Bots that are due within this time are measured together.
const SLACK: Duration = Duration::from_millis(50);

/// A bot is measured again only after this many times what the last measurement took.
const COST_FACTOR: u32 = 10;

/// How many measurements may hang, because a process of a bot does not let its memory be read.
const MAX_HANGING: usize = 4;

/// The size of the stack of the thread, in bytes.
const STACK: usize = 128 * 1024;

/// The samples of a measurement, and what it took.
type Measurement = (TreeFinder, Vec<MemorySample>, Duration);

/// The memory of one bot, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemorySample {
    pub(super) key: Key,
    /// Its first process when it was measured.
    pub(super) pid: Pid,
    pub(super) used: u64,
}

/// A bot to be measured.
pub(super) struct MemoryQuestion {
    pub(super) key: Key,
    pub(super) root: TreeRoot,
    pub(super) limit: u64,
}

/// The measurements of one bot.
struct Watched {
    key: Key,
    /// When it is measured next; `None` while it is measured.
    next: Option<Instant>,
    last: Option<(Instant, u64)>,
}

/// See the module.
pub(super) struct MemoryWatch {
    /// The secret of this monitor.
    secret: Secret,
    lookups: Lookups<u64, Measurement>,
    /// `None` while a thread has it.
    finder: Option<TreeFinder>,
    bots: BTreeMap<usize, Watched>,
    /// The bots of measurements without an answer, by number.
    rounds: BTreeMap<u64, Vec<Key>>,
    last_round: u64,
    /// How long the last measurement took.
    cost: Duration,
    /// When the timer fires, if one is set.
    armed: Option<Instant>,
}

impl MemoryWatch {
    /// Makes a watch without bots. `wakeup` gets readable with each answer.
    pub(super) fn new(secret: Secret, wakeup: &Arc<EventFd>) -> MemoryWatch {
        MemoryWatch {
            secret,
            lookups: Lookups::new("memory", MAX_HANGING, STACK, wakeup),
            finder: None,
            bots: BTreeMap::new(),
            rounds: BTreeMap::new(),
            last_round: 0,
            cost: Duration::ZERO,
            armed: None,
        }
    }

    /// Measures a bot from now on, whose process was started or whose limit has changed.
    pub(super) fn watch(&mut self, key: Key, now: Instant) {
        self.bots.insert(key.index, Watched { key, next: Some(now + FIRST_SAMPLE), last: None });
    }

    /// Does not measure a bot any more.
    pub(super) fn forget(&mut self, key: Key) {
        self.bots.remove(&key.index);
    }

    /// Returns the moment for which a timer has to be set, unless one is set.
    pub(super) fn arm(&mut self) -> Option<Instant> {
        let next = self.bots.values().filter_map(|bot| bot.next).min()?;
        if self.armed.is_some_and(|armed| armed <= next) {
            return None;
        }
        self.armed = Some(next);
        self.armed
    }

    /// Returns the bots that are due, now that a timer has fired that was set for this moment.
    pub(super) fn due(&mut self, at: Instant, now: Instant) -> Vec<Key> {
        if self.armed.is_some_and(|armed| armed <= at) {
            self.armed = None;
        }
        let due = self.bots.values().filter(|bot| bot.next.is_some_and(|next| next <= now + SLACK));
        due.map(|bot| bot.key).collect()
    }

    /// Measures bots. Returns what [`take`](MemoryWatch::take) would return, if there is an answer at once.
    pub(super) fn measure(&mut self, questions: Vec<MemoryQuestion>, now: Instant) -> Vec<MemorySample> {
        let keys: Vec<Key> = questions.iter().map(|question| question.key).collect();
        for key in &keys {
            self.set_next(*key, None);
        }
        let (mut finder, secret) = (self.finder.take().unwrap_or_default(), self.secret.clone());
        self.last_round += 1;
        let asked = self.lookups.ask(&self.last_round, Duration::ZERO, move |_| {
            let begin = Instant::now();
            let samples = sample(&questions, &mut finder, &secret);
            (finder, samples, begin.elapsed())
        });
        self.rounds.insert(self.last_round, keys);
        match asked {
            Poll::Pending => Vec::new(),
            Poll::Ready(answer) => self.accept(self.last_round, answer, now),
        }
    }

    /// Takes the measurements that have come.
    pub(super) fn take(&mut self, now: Instant) -> Vec<MemorySample> {
        let answers = self.lookups.take_answers();
        answers.into_iter().flat_map(|(round, answer)| self.accept(round, answer, now)).collect()
    }

    fn accept(&mut self, round: u64, answer: Result<Measurement, StartError>, now: Instant) -> Vec<MemorySample> {
        let keys = self.rounds.remove(&round).unwrap_or_default();
        match answer {
            Ok((finder, samples, cost)) => {
                (self.finder, self.cost) = (Some(finder), cost);
                samples
            }
            Err(error) => {
                log::warn!("failed to measure the memory of bots: {}", error.text);
                for key in keys {
                    self.set_next(key, Some(now + LONGEST_INTERVAL));
                }
                Vec::new()
            }
        }
    }

    /// Notes a measurement of a bot with this limit. Returns `true` if the bot was over it twice in a row.
    pub(super) fn note(&mut self, sample: MemorySample, limit: u64, now: Instant) -> bool {
        let cost = self.cost * COST_FACTOR;
        let Some(bot) = self.bots.get_mut(&sample.key.index).filter(|bot| bot.key == sample.key) else { return false };
        // The first sample, soon after the start, says how fast it may go on.
        let growth = bot.last.map_or_else(
            || growth(0, sample.used, FIRST_SAMPLE),
            |(at, before)| growth(before, sample.used, now.saturating_duration_since(at)),
        );
        let was_over = bot.last.is_some_and(|(_, before)| before > limit);
        bot.next = Some(now + interval(sample.used, limit, growth).max(cost));
        bot.last = Some((now, sample.used));
        was_over && sample.used > limit
    }

    fn set_next(&mut self, key: Key, next: Option<Instant>) {
        if let Some(bot) = self.bots.get_mut(&key.index).filter(|bot| bot.key == key) {
            bot.next = next;
        }
    }
}

/// Measures bots: cheaply, and exactly those that are over their limit then.
fn sample(questions: &[MemoryQuestion], finder: &mut TreeFinder, monitor: &Secret) -> Vec<MemorySample> {
    let roots: Vec<TreeRoot> = questions.iter().map(|question| question.root.clone()).collect();
    let (trees, mut reader) = (finder.find(&roots, monitor), MemoryReader::default());
    let mut samples = Vec::with_capacity(questions.len());
    for (question, tree) in questions.iter().zip(trees) {
        let mut used = tree.iter().fold(0_u64, |sum, pid| sum.saturating_add(reader.counted(*pid)));
        if used > question.limit && tree.len() > 1 {
            used = tree.iter().fold(0, |sum, pid| sum.saturating_add(reader.proportional(*pid)));
        }
        samples.push(MemorySample { key: question.key, pid: question.root.pid, used });
    }
    samples
}

/// Returns by how many bytes a bot has grown in a second.
fn growth(before: u64, used: u64, time: Duration) -> u64 {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    used.saturating_sub(before).saturating_mul(1000) / milliseconds
}

/// Returns when a bot is measured again: after half of the time in which it can be at its limit.
fn interval(used: u64, limit: u64, growth: u64) -> Duration {
    if used > limit {
        return CONFIRMATION_INTERVAL;
    }
    let rate = growth.max(limit / SECONDS_TO_FILL).max(1);
    let milliseconds = u128::from(limit - used) * 500 / u128::from(rate);
    let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
    Duration::from_millis(milliseconds).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    #[test]
    fn bot_is_measured_the_sooner_the_nearer_it_is_to_its_limit() {
        let milliseconds = |used: u64, growth: u64| interval(used * MB, 100 * MB, growth * MB).as_millis();
        assert_eq!(milliseconds(0, 0), 10_000);
        assert_eq!(milliseconds(50, 0), 5_000);
        assert_eq!(milliseconds(90, 0), 1_000);
        assert_eq!([milliseconds(99, 0), milliseconds(100, 0)], [250, 250]);
        // As fast as this it is at its limit in 5 s.
        assert_eq!(milliseconds(50, 10), 2_500);
        assert_eq!(milliseconds(101, 0), 100);
        assert_eq!(interval(0, u64::MAX, 0).as_millis(), 10_000);
        assert_eq!(interval(0, 1, u64::MAX).as_millis(), 250);
    }

    #[test]
    fn growth_is_per_second() {
        assert_eq!(growth(10, 20, Duration::from_millis(500)), 20);
        assert_eq!([growth(20, 10, Duration::from_secs(1)), growth(10, 11, Duration::ZERO)], [0, 1000]);
    }

    #[test]
    fn bot_that_starts_large_is_measured_again_soon() {
        let wakeup = Arc::new(EventFd::new().unwrap());
        let mut watch = MemoryWatch::new(Secret::random().unwrap(), &wakeup);
        let (key, now) = (Key { index: 1, generation: 0 }, Instant::now());
        watch.watch(key, now);
        let now = now + FIRST_SAMPLE;
        assert!(!watch.note(MemorySample { key, pid: Pid::this(), used: 40 * MB }, 100 * MB, now));
        // At 80 MB a second it is over its limit in 0.75 s.
        assert_eq!(watch.bots[&1].next, Some(now + Duration::from_millis(375)));
    }

    #[test]
    fn bot_is_over_its_limit_only_twice_in_a_row() {
        let wakeup = Arc::new(EventFd::new().unwrap());
        let mut watch = MemoryWatch::new(Secret::random().unwrap(), &wakeup);
        let (key, mut now) = (Key { index: 3, generation: 1 }, Instant::now());
        watch.watch(key, now);
        let mut over = |used: u64, key: Key| {
            now += Duration::from_secs(1);
            watch.note(MemorySample { key, pid: Pid::this(), used }, 100, now)
        };
        assert_eq!([101, 100, 101, 102, 103].map(|used| over(used, key)), [false, false, false, true, true]);
        // A sample of another bot that had its number.
        assert!(!over(500, Key { index: 3, generation: 0 }));
    }

    #[test]
    fn one_timer_is_set_for_the_bot_that_is_due_first() {
        let wakeup = Arc::new(EventFd::new().unwrap());
        let mut watch = MemoryWatch::new(Secret::random().unwrap(), &wakeup);
        let now = Instant::now();
        assert_eq!(watch.arm(), None);
        let keys = [1, 2].map(|index| Key { index, generation: 0 });
        watch.watch(keys[0], now);
        watch.watch(keys[1], now + Duration::from_millis(40));
        let at = watch.arm().unwrap();
        assert_eq!((at, watch.arm()), (now + FIRST_SAMPLE, None));
        assert_eq!(watch.due(at, at), keys);
        watch.forget(keys[0]);
        assert_eq!(watch.arm(), Some(at + Duration::from_millis(40)));
    }
}
