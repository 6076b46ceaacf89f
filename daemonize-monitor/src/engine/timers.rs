//! What is to happen later: a heap, of which only the first matters.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Moments, each with what it is for. One that does not matter any more stays until it comes: whoever gets it asks.
#[derive(Debug)]
pub(super) struct Timers<T>(BinaryHeap<Reverse<(Instant, T)>>);

impl<T: Ord> Timers<T> {
    pub(super) fn new() -> Timers<T> {
        Timers(BinaryHeap::new())
    }

    pub(super) fn set(&mut self, at: Instant, what: T) {
        self.0.push(Reverse((at, what)));
    }

    /// The next thing whose moment has come, and that moment.
    pub(super) fn due(&mut self, now: Instant) -> Option<(Instant, T)> {
        if self.0.peek()?.0.0 > now {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }

    /// How long nothing is due; `None` for ever.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.0.peek().map(|Reverse((at, _))| at.saturating_duration_since(now))
    }
}
