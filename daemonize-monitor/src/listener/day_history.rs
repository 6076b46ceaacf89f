//! The last day of each bot, for the status page.
//!
//! One sample in ten minutes of all bots, by the thread that publishes changes, and only where there is a page. A sample takes six
//! bytes: a bot has 864 bytes of them after a day, and some 100 for its name and its place.

use super::bot_document;
use crate::counts::BuiltIn;
use crate::json;
use crate::status::BotStatus;
use crate::usage::{Usage, Used};
use daemonize_sys::mutex::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

/// The time from one sample to the next.
pub(super) const SAMPLE_INTERVAL: Duration = Duration::from_secs(600);

/// The samples of a day.
const DAY: usize = 144;

/// The samples for which room is made at once.
const ROOM: usize = 12;

/// See the module.
#[derive(Default)]
pub(super) struct DayHistory {
    usage: Usage,
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    /// The time of the last sample.
    last: Option<SystemTime>,
    bots: HashMap<String, BotDay>,
}

/// The samples of one bot: a ring, once there are as many as in a day.
#[derive(Default)]
struct BotDay {
    samples: Vec<Sample>,
    oldest: usize,
    /// All exits before the last sample.
    exits: u64,
}

#[derive(Clone, Copy)]
struct Sample {
    exits: u16,
    memory: Rounded,
    cpu: Rounded,
}

/// The upper half of an `f32`: a number exact to half a percent.
#[derive(Clone, Copy)]
struct Rounded(u16);

impl Rounded {
    #[allow(clippy::cast_possible_truncation)] // To half a percent; the upper half of 32 bits has 16.
    fn new(number: Option<f64>) -> Rounded {
        let bits = number.map_or(f32::NAN, |number| number as f32).to_bits();
        Rounded((bits.saturating_add(0x7fff) >> 16) as u16)
    }

    fn get(self) -> Option<f64> {
        let number = f64::from(f32::from_bits(u32::from(self.0) << 16));
        number.is_finite().then_some(number)
    }
}

impl BotDay {
    fn add(&mut self, sample: Sample) {
        if self.samples.len() == DAY {
            self.samples[self.oldest] = sample;
            self.oldest = (self.oldest + 1) % DAY;
            return;
        }
        if self.samples.len() == self.samples.capacity() {
            self.samples.reserve_exact(ROOM);
        }
        self.samples.push(sample);
    }

    /// Returns the document of the bot, whose last sample is of this time.
    fn document(&self, last: SystemTime) -> json::BotHistory {
        let (newer, older) = self.samples.split_at(self.oldest);
        let samples = || older.iter().chain(newer);
        let time = SAMPLE_INTERVAL * u32::try_from(self.samples.len()).unwrap_or(u32::MAX);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Of a number of bytes.
        let bytes = |number: f64| number as u64;
        json::BotHistory {
            interval: SAMPLE_INTERVAL.as_secs(),
            start: bot_document::unix_seconds(last.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH)),
            exits: samples().map(|sample| sample.exits.into()).collect(),
            memory: samples().map(|sample| sample.memory.get().map(bytes)).collect(),
            cpu: samples().map(|sample| sample.cpu.get().map(|percent| (percent * 100.0).round() / 100.0)).collect(),
        }
    }
}

impl DayHistory {
    /// Takes a sample of bots. Reads a file for each process of the machine.
    pub(super) fn sample(&self, bots: &[BotStatus]) {
        let sessions: Vec<i32> = bots.iter().filter_map(|bot| bot.pid).map(daemonize_core::Pid::as_raw).collect();
        self.usage.look(&sessions);
        let (used, now) = (self.usage.of(&sessions), Instant::now());
        let facts = bots.iter().map(|bot| {
            let exits = bot.counts.get(BuiltIn::Exit.name(), now).map_or(0, |count| count.total);
            (&*bot.name, exits, bot.pid.and_then(|pid| used.get(&pid.as_raw()).copied()))
        });
        self.record(facts, SystemTime::now());
    }

    /// Takes a sample of bots: their names, all their exits, and what they use if they run.
    fn record<'a>(&self, bots: impl Iterator<Item = (&'a str, u64, Option<Used>)>, now: SystemTime) {
        let mut recorded = lock(&self.recorded);
        let Recorded { last, bots: days } = &mut *recorded;
        *last = Some(now);
        // A bot that is there no more is forgotten.
        let mut before = std::mem::take(days);
        for (name, exits, used) in bots {
            let mut day = before.remove(name).unwrap_or_default();
            // A bot of this name that was removed and has come back counts anew.
            let new = exits.checked_sub(day.exits).unwrap_or(exits);
            #[allow(clippy::cast_precision_loss)] // It is rounded much more.
            let memory = used.map(|used| used.memory as f64);
            day.add(Sample {
                exits: u16::try_from(new).unwrap_or(u16::MAX),
                memory: Rounded::new(memory),
                cpu: Rounded::new(used.and_then(|used| used.cpu)),
            });
            day.exits = exits;
            days.insert(name.to_owned(), day);
        }
    }

    /// Returns the document of a bot; one without samples has an empty one.
    pub(super) fn document(&self, name: &str) -> json::BotHistory {
        let recorded = lock(&self.recorded);
        match (recorded.bots.get(name), recorded.last) {
            (Some(day), Some(last)) => day.document(last),
            _ => json::BotHistory { interval: SAMPLE_INTERVAL.as_secs(), ..json::BotHistory::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn record(history: &DayHistory, exits: u64, memory: Option<u64>, at: SystemTime) {
        let used = memory.map(|memory| Used { cpu: Some(12.3), memory });
        history.record([("web", exits, used)].into_iter(), at);
    }

    /// Promise 6.77.
    #[test]
    fn history_has_the_samples_of_a_day_and_no_more() {
        let (history, start) = (DayHistory::default(), SystemTime::UNIX_EPOCH);
        assert_eq!(history.document("web"), json::BotHistory { interval: 600, ..json::BotHistory::default() });
        for number in 1..=200_u32 {
            record(&history, u64::from(number / 2), Some(u64::from(number) << 20), start + SAMPLE_INTERVAL * number);
        }
        let found = history.document("web");
        assert_eq!([found.exits.len(), found.memory.len(), found.cpu.len()], [DAY; 3]);
        assert!((found.start - 600.0 * 56.0).abs() < 0.01, "{}", found.start);
        assert_eq!(found.exits[..4], [0, 1, 0, 1]);
        let exact = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.005;
        for (number, memory) in (57..=200_u32).zip(&found.memory) {
            let memory = u32::try_from(memory.expect("memory") >> 10).unwrap();
            assert!(exact(memory.into(), f64::from(number << 10)), "{number}: {memory}");
        }
        assert!(found.cpu.iter().all(|cpu| exact(cpu.expect("time"), 12.3)), "{:?}", found.cpu);
        assert!(lock(&history.recorded).bots["web"].samples.capacity() == DAY && size_of::<Sample>() == 6);
    }

    #[test]
    fn bot_without_a_process_has_no_memory_and_one_that_is_gone_has_no_history() {
        let history = DayHistory::default();
        record(&history, 2, Some(1), SystemTime::now());
        record(&history, 5, None, SystemTime::now());
        // It was removed, and has come back with other counts.
        record(&history, 1, Some(1), SystemTime::now());
        let found = history.document("web");
        assert_eq!((&found.exits[..], found.memory[1], found.cpu[1]), (&[2, 3, 1][..], None, None));
        history.record([].into_iter(), SystemTime::now());
        assert_eq!(history.document("web").exits, [0; 0]);
    }

    #[test]
    fn numbers_keep_their_size() {
        for number in [0.0, 0.1, 1.0, 99.9, 100.0, 6400.0, 1.7e9, 1e13] {
            let found = Rounded::new(Some(number)).get().unwrap();
            assert!((found - number).abs() <= number * 0.005, "{number}: {found}");
        }
        assert_eq!(Rounded::new(None).get(), None);
    }
}
