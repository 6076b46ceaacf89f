//! What is remembered of a bot's runs: as many exits as its limit needs to be exact, and not one more.

use super::Exit;
use crate::bot::{LARGEST_LIMIT, Limit};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A century: beyond any use, and still safe to add to the clock.
const LONGEST_WINDOW: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The last exits of one bot, and how many restarts in a row it is in.
///
/// It outlives a reload of the configuration. An operator's start forgets it ([`History::forget`]).
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The last exits, the newest last; never more than the limit and one.
    exits: VecDeque<(Instant, Exit)>,
    /// Restarts since the last stable run or operator's start.
    row: u32,
    /// Since when it runs.
    running: Option<Instant>,
}

impl History {
    /// Notes that it runs: its program was executed.
    pub fn started(&mut self, now: Instant) {
        self.running = Some(now);
    }

    /// An operator's start: what was before is forgiven.
    pub fn forget(&mut self) {
        *self = History::default();
    }

    /// The remembered exits, the newest last: at most one more than the limit forgives.
    pub fn exits(&self) -> impl DoubleEndedIterator<Item = (Instant, Exit)> + '_ {
        self.exits.iter().copied()
    }

    /// The last exit, if there was one since an operator's start.
    pub fn last(&self) -> Option<(Instant, Exit)> {
        self.exits.back().copied()
    }

    /// How many restarts in a row there were since it last ran for long enough.
    pub fn restarts_in_a_row(&self) -> u32 {
        self.row
    }

    /// Remembers an exit; returns whether the run before it was a stable one.
    pub(super) fn ended(&mut self, exit: Exit, now: Instant, limit: Limit, stable_after: Duration) -> bool {
        let stable = self.running.take().is_some_and(|since| now.saturating_duration_since(since) >= stable_after);
        self.exits.push_back((now, exit));
        while self.exits.len() > forgiven(limit) + 1 {
            self.exits.pop_front();
        }
        stable
    }

    /// If there was one exit more within the window than are forgiven: when the oldest of them leaves it.
    pub(super) fn full_until(&self, limit: Limit, now: Instant) -> Option<Instant> {
        let (oldest, _) = self.exits.iter().rev().nth(forgiven(limit))?;
        let window = limit.window.min(LONGEST_WINDOW);
        (now.saturating_duration_since(*oldest) < window).then(|| *oldest + window)
    }

    /// How many exits are remembered.
    pub(super) fn known(&self) -> u32 {
        u32::try_from(self.exits.len()).unwrap_or(u32::MAX)
    }

    /// The number of the coming restart in its row, the first being 0.
    pub(super) fn next_in_row(&mut self, stable: bool) -> u32 {
        let number = if stable { 0 } else { self.row };
        self.row = number.saturating_add(1);
        number
    }
}

/// How many exits the limit forgives, in memory that stays small.
fn forgiven(limit: Limit) -> usize {
    limit.exits.min(LARGEST_LIMIT) as usize
}
