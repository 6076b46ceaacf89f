//! The history of a bot's exits: as many as its limit counts, and one more.

use super::Exit;
use crate::bot::{LARGEST_LIMIT, Limit};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A century, which can be added to the monotonic clock without an overflow.
const MAX_WINDOW: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The last exits of a bot, and its number of restarts in a row.
///
/// A reload of the configuration keeps the history. A start by command clears it ([`History::forget`]).
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The last exits, the newest last; never more than the limit and one.
    exits: VecDeque<(Instant, Exit)>,
    /// Restarts since the last stable run or start by command.
    row: u32,
    /// The start of the current run.
    running: Option<Instant>,
}

impl History {
    /// Records the start of a run: the program was executed.
    pub fn started(&mut self, now: Instant) {
        self.running = Some(now);
    }

    /// Clears the history, for a start by command.
    pub fn forget(&mut self) {
        *self = History::default();
    }

    /// Returns the recorded exits, the newest last: at most one more than the limit.
    pub fn exits(&self) -> impl DoubleEndedIterator<Item = (Instant, Exit)> + '_ {
        self.exits.iter().copied()
    }

    /// Returns the last exit since the last start by command.
    pub fn last(&self) -> Option<(Instant, Exit)> {
        self.exits.back().copied()
    }

    /// Returns the number of restarts since the last stable run.
    pub fn restarts_in_a_row(&self) -> u32 {
        self.row
    }

    /// Records an exit. Returns `true` if the run before it was stable.
    pub(super) fn ended(&mut self, exit: Exit, now: Instant, limit: Limit, stable_after: Duration) -> bool {
        let stable = self.running.take().is_some_and(|since| now.saturating_duration_since(since) >= stable_after);
        self.exits.push_back((now, exit));
        while self.exits.len() > forgiven(limit) + 1 {
            self.exits.pop_front();
        }
        stable
    }

    /// Returns when the oldest exit leaves the window, if there are more exits within the window than the limit allows.
    pub(super) fn full_until(&self, limit: Limit, now: Instant) -> Option<Instant> {
        let (oldest, _) = self.exits.iter().rev().nth(forgiven(limit))?;
        let window = limit.window.min(MAX_WINDOW);
        (now.saturating_duration_since(*oldest) < window).then(|| *oldest + window)
    }

    /// Returns the number of recorded exits.
    pub(super) fn known(&self) -> u32 {
        u32::try_from(self.exits.len()).unwrap_or(u32::MAX)
    }

    /// Returns the number of the next restart in a row, counted from 0.
    pub(super) fn next_in_row(&mut self, stable: bool) -> u32 {
        let number = if stable { 0 } else { self.row };
        self.row = number.saturating_add(1);
        number
    }
}

/// Returns the exits that the limit allows, capped to bound the memory.
fn forgiven(limit: Limit) -> usize {
    limit.exits.min(LARGEST_LIMIT) as usize
}
