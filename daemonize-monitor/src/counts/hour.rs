//! The past hour in sixty buckets.

/// How many buckets of a minute the past hour has.
pub const MINUTES: usize = HOUR as usize;

/// [`MINUTES`] as the type of a minute number.
const HOUR: u32 = 60;

/// How often something happened in each minute of the past hour.
///
/// Most events occur in one minute only, whose count needs no allocation. The ring of the minutes before is allocated when one
/// of them has a count.
#[derive(Clone, Debug, Default)]
pub(super) struct Hour {
    /// The minute that was written last.
    newest: u32,
    /// How often in it; what is full stays full.
    count: u32,
    /// Minute `m` of the hour before is at `m % 60`.
    ring: Option<Box<[u32; MINUTES]>>,
}

impl Hour {
    /// Counts in this minute. A minute before the newest counts as the newest.
    pub(super) fn record(&mut self, times: u64, minute: u32) {
        if minute > self.newest {
            self.turn_to(minute);
        }
        self.count = self.count.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// The sixty minutes that end with this one.
    pub(super) fn minutes(&self, minute: u32) -> [u32; MINUTES] {
        let mut minutes = [0; MINUTES];
        let last = minute.max(self.newest);
        for (back, count) in (0..).zip(minutes.iter_mut().rev()) {
            *count = last.checked_sub(back).map_or(0, |minute| self.at(minute));
        }
        minutes
    }

    /// How often in this minute. What is after the newest did not happen yet, what is an hour before it was not cleared yet.
    fn at(&self, minute: u32) -> u32 {
        match self.newest.checked_sub(minute) {
            Some(0) => self.count,
            Some(1..HOUR) => self.ring.as_ref().map_or(0, |ring| ring[place(minute)]),
            _ => 0,
        }
    }

    /// Begins a minute; nothing happened in those that were skipped.
    fn turn_to(&mut self, minute: u32) {
        let (before, count) = (self.newest, std::mem::take(&mut self.count));
        self.newest = minute;
        if minute - before >= HOUR {
            self.ring = None;
        } else if count > 0 || self.ring.is_some() {
            let ring = self.ring.get_or_insert_with(|| Box::new([0; MINUTES]));
            ring[place(before)] = count;
            for skipped in before + 1..minute {
                ring[place(skipped)] = 0;
            }
        }
    }
}

fn place(minute: u32) -> usize {
    minute as usize % MINUTES
}
