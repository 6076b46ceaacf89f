//! Event counts of a bot: in total and per minute of the past hour, in bounded memory.

mod hour;
mod name;
#[cfg(test)]
mod tests;

pub use hour::MINUTES;

use hour::Hour;
use name::{OTHER, clean};
use std::time::Instant;

/// How many names one bot may invent; what it reports under further ones is counted as `(other)`.
const MAX_NAMES: usize = 64;

/// Seconds in each of the buckets that make up the past hour.
const BUCKET: u64 = 60;

/// An event that the monitor itself counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuiltIn {
    /// The bot exited.
    Exit,
    /// The monitor sent `SIGKILL`.
    Kill,
    /// The bot was restarted after an exit.
    Restart,
    /// The bot was started.
    Start,
}

impl BuiltIn {
    /// All events.
    pub const ALL: [BuiltIn; 4] = [BuiltIn::Exit, BuiltIn::Kill, BuiltIn::Restart, BuiltIn::Start];

    /// Returns the name among the counts: `exit`, `kill`, `restart`, `start`.
    pub fn name(self) -> &'static str {
        match self {
            BuiltIn::Exit => "exit",
            BuiltIn::Kill => "kill",
            BuiltIn::Restart => "restart",
            BuiltIn::Start => "start",
        }
    }
}

/// The counts of one bot.
///
/// The past hour is kept in buckets of a minute: it is the running minute and the 59 before it. Time is [`Instant`], on
/// the monotonic clock.
///
/// ```
/// use daemonize_monitor::{BuiltIn, Counts};
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let mut counts = Counts::new(start);
/// counts.add(BuiltIn::Start, start);
/// counts.report(b"reply", 3, start);
/// let tomorrow = start + Duration::from_secs(86_400);
/// let reply = counts.iter(tomorrow).next().unwrap();
/// assert_eq!((reply.name, reply.total, reply.past_hour()), ("reply", 3, 0));
/// ```
#[derive(Clone, Debug)]
pub struct Counts {
    /// When its minutes begin.
    epoch: Instant,
    /// By name, sorted.
    entries: Vec<CountEntry>,
    /// How many of them the bot invented.
    invented: usize,
}

/// The count of one name.
#[derive(Clone, Debug)]
struct CountEntry {
    name: Box<str>,
    total: u64,
    hour: Hour,
}

/// One name among the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count<'a> {
    /// The name of the event. Letters, digits and `-_.:/@+=,#%*!?` only, or the monitor's own `(other)`.
    pub name: &'a str,
    /// The total since the bot was added.
    pub total: u64,
    /// The count of each minute of the past hour; the last minute is the current one.
    pub minutes: [u32; MINUTES],
}

impl Count<'_> {
    /// Returns the count of the past hour.
    pub fn past_hour(&self) -> u64 {
        self.minutes.iter().copied().map(u64::from).sum()
    }
}

impl Counts {
    /// Creates empty counts whose minutes begin at `now`.
    pub fn new(now: Instant) -> Counts {
        Counts { epoch: now, entries: Vec::new(), invented: 0 }
    }

    /// Counts an event that the monitor itself has seen.
    pub fn add(&mut self, event: BuiltIn, now: Instant) {
        let minute = self.minute(now);
        self.entry(event.name()).record(1, minute);
    }

    /// Counts what the bot reported, as it came: a name that is not fit to be shown is made so, one of the monitor's own
    /// becomes `program:exit`, and names beyond the 64th are `(other)`.
    pub fn report(&mut self, name: &[u8], times: u64, now: Instant) {
        let minute = self.minute(now);
        let own = is_built_in(name);
        match self.find(name) {
            Ok(index) if !own && name != OTHER.as_bytes() => self.entries[index].record(times, minute),
            _ => self.invented(&clean(name, own)).record(times, minute),
        }
    }

    /// All names in alphabetical order, with their totals and the hour before `now`.
    pub fn iter(&self, now: Instant) -> impl ExactSizeIterator<Item = Count<'_>> + '_ {
        let minute = self.minute(now);
        self.entries.iter().map(move |entry| entry.count(minute))
    }

    /// One name's count, if it was ever counted.
    pub fn get(&self, name: &str, now: Instant) -> Option<Count<'_>> {
        let index = self.find(name.as_bytes()).ok()?;
        Some(self.entries[index].count(self.minute(now)))
    }

    fn minute(&self, now: Instant) -> u32 {
        u32::try_from(now.saturating_duration_since(self.epoch).as_secs() / BUCKET).unwrap_or(u32::MAX)
    }

    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.name.as_bytes().cmp(name))
    }

    /// The entry of a name that the bot invented: of `(other)` if there are too many.
    fn invented(&mut self, name: &str) -> &mut CountEntry {
        if self.find(name.as_bytes()).is_err() {
            if self.invented == MAX_NAMES {
                return self.entry(OTHER);
            }
            self.invented += 1;
        }
        self.entry(name)
    }

    /// The entry of this name, made if there is none.
    fn entry(&mut self, name: &str) -> &mut CountEntry {
        let index = self.find(name.as_bytes()).unwrap_or_else(|index| {
            // Exactly one more: most bots have a handful, and there may be thousands of bots.
            self.entries.reserve_exact(1);
            self.entries.insert(index, CountEntry { name: name.into(), total: 0, hour: Hour::default() });
            index
        });
        &mut self.entries[index]
    }
}

impl CountEntry {
    fn record(&mut self, times: u64, minute: u32) {
        self.total = self.total.saturating_add(times);
        self.hour.record(times, minute);
    }

    fn count(&self, minute: u32) -> Count<'_> {
        Count { name: &self.name, total: self.total, minutes: self.hour.minutes(minute) }
    }
}

fn is_built_in(name: &[u8]) -> bool {
    BuiltIn::ALL.iter().any(|event| event.name().as_bytes() == name)
}
