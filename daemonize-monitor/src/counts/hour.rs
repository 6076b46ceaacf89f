//! The past hour in sixty buckets.

/// How many buckets of a minute the past hour has.
pub const MINUTES: usize = HOUR as usize;

/// The same, among numbers of minutes.
const HOUR: u32 = 60;

/// How often something happened in each minute of the past hour. Each minute has its place in a ring; what is older
/// than an hour is cleared when somebody writes over it.
#[derive(Clone, Debug)]
pub(super) struct Hour {
    /// Minute `m` is at `m % 60`; a bucket that is full stays full.
    ring: [u32; MINUTES],
    /// The minute that was written last.
    newest: u32,
}

impl Default for Hour {
    fn default() -> Hour {
        Hour { ring: [0; MINUTES], newest: 0 }
    }
}

impl Hour {
    /// Counts in this minute. A minute before the newest counts as the newest.
    pub(super) fn record(&mut self, times: u64, minute: u32) {
        if minute > self.newest {
            self.clear_until(minute);
        }
        let bucket = &mut self.ring[place(self.newest)];
        *bucket = bucket.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// The sixty minutes that end with this one.
    pub(super) fn minutes(&self, minute: u32) -> [u32; MINUTES] {
        let mut minutes = [0; MINUTES];
        let last = minute.max(self.newest);
        for (back, count) in (0..).zip(minutes.iter_mut().rev()) {
            // What is after the newest did not happen yet, what is an hour before it was not cleared yet.
            let known = last.checked_sub(back).filter(|minute| *minute <= self.newest && self.newest - minute < HOUR);
            *count = known.map_or(0, |minute| self.ring[place(minute)]);
        }
        minutes
    }

    /// The minutes nobody wrote in, and this one, begin at 0.
    fn clear_until(&mut self, minute: u32) {
        let gone = (minute - self.newest).min(HOUR);
        for skipped in 0..gone {
            self.ring[place(minute - skipped)] = 0;
        }
        self.newest = minute;
    }
}

fn place(minute: u32) -> usize {
    minute as usize % MINUTES
}
