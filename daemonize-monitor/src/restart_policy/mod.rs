//! What to do when a bot ended: a pure function of its rules, its history, how it ended and when.
//!
//! Nothing here reads a clock or waits. Time is [`Instant`], which no change of the wall clock moves, and chance is
//! passed in, so that every decision can be repeated.

mod exit;
mod history;
#[cfg(test)]
mod tests;

pub use exit::Exit;
pub use history::History;

use crate::bot::{Backoff, Bot, Limit, Ready, Restart};
use std::fmt;
use std::time::{Duration, Instant};

/// The part of a bot's specification that decides what follows an exit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// When it is started again.
    pub restart: Restart,
    /// How often.
    pub limit: Limit,
    /// How soon.
    pub backoff: Backoff,
    /// Whether it is a job, done for good when it ends with status 0 ([`Ready::Exit`]).
    pub once: bool,
}

impl From<&Bot> for Rules {
    fn from(bot: &Bot) -> Rules {
        Rules { restart: bot.restart, limit: bot.limit, backoff: bot.backoff, once: bot.ready == Ready::Exit }
    }
}

impl Rules {
    /// Whether the bot is wanted again after such an end, whatever came before.
    fn want_again(&self, exit: Exit) -> bool {
        match self.restart {
            _ if self.once && exit.is_success() => false,
            Restart::Always => true,
            Restart::OnFailure => !exit.is_success(),
            Restart::Never => false,
        }
    }
}

/// What follows an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start it again after this time; zero means at once.
    RestartAfter(Duration),
    /// Leave it until somebody starts it.
    GiveUp(GivenUp),
    /// It is not to be started again: its end is as its specification says.
    Done,
}

/// Why a bot was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// How often it ended within the window.
    pub exits: u32,
    /// The window.
    pub window: Duration,
    /// How it ended last; [`History::exits`] has those before it.
    pub last: Exit,
    /// When the oldest of these exits leaves the window: the limit would allow another from then on.
    pub until: Instant,
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exits, times) = (self.exits, if self.exits == 1 { "time" } else { "times" });
        write!(f, "ended {exits} {times} within {:?}, the last time by {}", self.window, self.last)
    }
}

/// Decides what follows an exit, and remembers it.
///
/// `chance` is from 0 to 1 and picks the jitter. Of all exits that this answers with a restart, no window holds more
/// than the limit allows; both ends of a window do not belong to it together.
pub fn decide(rules: &Rules, history: &mut History, exit: Exit, now: Instant, chance: f64) -> Decision {
    let stable = history.ended(exit, now, rules.limit, rules.backoff.stable_after);
    if !rules.want_again(exit) {
        return Decision::Done;
    }
    if let Some(until) = history.full_until(rules.limit, now) {
        let (exits, window) = (history.known(), rules.limit.window);
        return Decision::GiveUp(GivenUp { exits, window, last: exit, until });
    }
    Decision::RestartAfter(wait(&rules.backoff, history.next_in_row(stable), chance))
}

/// How long to wait before the restart with this number in its row, the first being 0.
fn wait(backoff: &Backoff, row: u32, chance: f64) -> Duration {
    let Some(earlier) = row.checked_sub(1) else { return Duration::ZERO };
    if backoff.first.is_zero() {
        return Duration::ZERO; // However often it is multiplied, be it by infinity.
    }
    let exponent = i32::try_from(earlier).unwrap_or(i32::MAX);
    // `max` also settles what is not a number: a factor of NaN is 1.
    let plain = backoff.first.as_secs_f64() * backoff.factor.max(1.0).powi(exponent);
    let jittered = plain * (1.0 + part(backoff.jitter) * part(chance));
    Duration::try_from_secs_f64(jittered).map_or(backoff.cap, |wait| wait.min(backoff.cap))
}

/// Something that is a part: from 0 to 1, and 0 if it is not a number.
fn part(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(0.0, 1.0) }
}
