//! How much this daemon has done: for people who look, and for what lives beside the body.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a daemon has done since it started: see [`counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages that were fetched.
    pub fetched: u64,
    /// Messages whose handler succeeded.
    pub handled: u64,
    /// Messages whose handler returned an error or panicked.
    pub failed: u64,
    /// Messages that were fetched and are neither handled nor failed yet.
    pub in_flight: u64,
    /// Steps that were done.
    pub steps: u64,
}

/// What this daemon has done since it started; zeros in any other process, and for a body that
/// has neither messages nor steps.
///
/// The numbers are read one after another while the daemon works, so that they may be apart by what happened meanwhile.
pub fn counters() -> Counters {
    COUNTS.read()
}

/// Those of this process, which is at most one daemon.
pub(crate) static COUNTS: Counts = Counts::new();

/// Counters that grow. Whoever counts holds a lock that keeps others from counting at the same time.
pub(crate) struct Counts {
    fetched: AtomicU64,
    handled: AtomicU64,
    failed: AtomicU64,
    steps: AtomicU64,
}

impl Counts {
    pub(crate) const fn new() -> Counts {
        Counts {
            fetched: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            steps: AtomicU64::new(0),
        }
    }

    /// A message was fetched.
    pub(crate) fn fetched(&self) {
        one_more(&self.fetched);
    }

    /// A message's handler has ended.
    pub(crate) fn ended(&self, well: bool) {
        one_more(if well { &self.handled } else { &self.failed });
    }

    /// So many steps have been done by now, says the one thread that does them.
    #[inline]
    pub(crate) fn stepped(&self, steps: u64) {
        self.steps.store(steps, Relaxed);
    }

    /// The same where others may count at the same time.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(crate) fn ended_beside_others(&self, well: bool) {
        if well { &self.handled } else { &self.failed }.fetch_add(1, Relaxed);
    }

    /// What was counted.
    pub(crate) fn read(&self) -> Counters {
        // What was fetched is read last, so that never more has ended than was fetched.
        let (handled, failed) = (self.handled.load(Relaxed), self.failed.load(Relaxed));
        let fetched = self.fetched.load(Relaxed);
        let in_flight = fetched.saturating_sub(handled).saturating_sub(failed);
        Counters { fetched, handled, failed, in_flight, steps: self.steps.load(Relaxed) }
    }
}

/// Not `fetch_add`: under the lock a load and a store do, and cost nothing.
fn one_more(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}
