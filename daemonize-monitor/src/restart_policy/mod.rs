//! The restart policy: decides after each exit of a bot whether and when the bot is restarted.
//!
//! The policy is a pure function of the rules, the history of exits, the exit and the time. The caller passes the time, as an
//! [`Instant`] that no change of the wall clock affects, and the random number, so that every decision is reproducible.

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
    /// The exits after which the bot is restarted.
    pub restart: Restart,
    /// The number of exits within a window that are followed by a restart.
    pub limit: Limit,
    /// The delay before a restart.
    pub backoff: Backoff,
    /// `true` for a job, which is not restarted after status 0 ([`Ready::Exit`]).
    pub once: bool,
}

impl From<&Bot> for Rules {
    fn from(bot: &Bot) -> Rules {
        Rules { restart: bot.restart, limit: bot.limit, backoff: bot.backoff, once: bot.ready == Ready::Exit }
    }
}

impl Rules {
    /// Returns `true` if the bot is restarted after this exit, regardless of its limit.
    fn want_again(&self, exit: Exit) -> bool {
        match self.restart {
            _ if self.once && exit.is_success() => false,
            Restart::Always => true,
            Restart::OnFailure => !exit.is_success(),
            Restart::Never => false,
        }
    }
}

/// The decision about a bot that has exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Restart the bot after this delay; zero means at once.
    RestartAfter(Duration),
    /// Do not restart the bot until a command starts it.
    GiveUp(GivenUp),
    /// Do not restart the bot: its specification allows this exit.
    Done,
}

/// The reason for which a bot was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The exits within the window.
    pub exits: u32,
    /// The window.
    pub window: Duration,
    /// The last exit; [`History::exits`] has the exits before it.
    pub last: Exit,
    /// The time at which the oldest of these exits leaves the window, so that the limit allows a restart again.
    pub until: Instant,
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exits, times) = (self.exits, if self.exits == 1 { "time" } else { "times" });
        let window = humantime::format_duration(self.window);
        write!(f, "ended {exits} {times} within {window}, the last time by {}", self.last)
    }
}

/// Records an exit in the history, and decides whether and when to restart.
///
/// `chance` is a random number from 0 to 1, for the jitter. No window contains more exits with a restart than the limit
/// allows; a window includes only one of its two ends.
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

/// Returns the exponential backoff before restart number `row` in a row, counted from 0.
fn wait(backoff: &Backoff, row: u32, chance: f64) -> Duration {
    let Some(earlier) = row.checked_sub(1) else { return Duration::ZERO };
    if backoff.first.is_zero() {
        return Duration::ZERO; // Zero times an infinite power would be NaN.
    }
    let exponent = i32::try_from(earlier).unwrap_or(i32::MAX);
    // `max` also settles what is not a number: a factor of NaN is 1.
    let plain = backoff.first.as_secs_f64() * backoff.factor.max(1.0).powi(exponent);
    let jittered = plain * (1.0 + part(backoff.jitter) * part(chance));
    Duration::try_from_secs_f64(jittered).map_or(backoff.cap, |wait| wait.min(backoff.cap))
}

/// Clamps a fraction to 0..=1; NaN becomes 0.
fn part(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(0.0, 1.0) }
}
