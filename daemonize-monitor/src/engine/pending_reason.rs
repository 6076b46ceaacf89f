//! Explains to a command that waits why bots are not up, or not down, yet.

use super::dependencies::{self, Graph};
use super::supervisor::Supervisor;
use crate::status::State;
use crate::status::State::{BackingOff, Starting, Stopping, Waiting};
use daemonize_sys::escape::escape_bytes;
use std::time::Duration;

/// The most bots that are explained one by one.
const MAX_EXPLAINED: usize = 5;
/// The longest chain of bots that wait for each other that is explained.
const MAX_CHAIN: usize = 5;
/// The most bytes of a line that a bot has printed.
const MAX_LINE_LENGTH: usize = 200;

impl Supervisor {
    /// Returns the states of those of these bots that are not up (or down), and why; empty if all are.
    pub(super) fn pending_reason(&self, bots: &[usize], up: bool) -> String {
        let is_left = |index: &usize| {
            let unit = &self.units[*index];
            if up {
                !unit.is_ready() && unit.state() != State::Exited
            } else {
                !unit.state().is_down() || unit.is_leaving()
            }
        };
        let left: Vec<usize> = bots.iter().copied().filter(is_left).collect();
        let told = left
            .iter()
            .take(MAX_EXPLAINED)
            .map(|index| if up { self.why_not_up(*index, 0) } else { self.why_not_down(*index) });
        let mut told: Vec<String> = told.collect();
        if left.len() > MAX_EXPLAINED {
            told.push(format!("and {} more", left.len() - MAX_EXPLAINED));
        }
        let progress = if up { self.roll_progress(bots) } else { String::new() };
        told.splice(0..0, (!progress.is_empty()).then_some(progress));
        told.join("; ")
    }

    /// "`web` waits for `db`, and `db` is backing-off (ended by status 1, again in 2s; its last line: `no such table`)".
    pub(super) fn why_not_up(&self, index: usize, depth: usize) -> String {
        let unit = &self.units[index];
        let (name, state) = (&unit.bot.name, &unit.bot_state);
        if unit.state() == Waiting && depth < MAX_CHAIN {
            if let Some(other) = dependencies::missing(&self.units, index) {
                return format!(
                    "`{name}` waits for `{}`, and {}",
                    self.units[other].bot.name,
                    self.why_not_up(other, depth + 1)
                );
            }
        }
        let mut parts = Vec::new();
        match (unit.state(), state.reason()) {
            (_, Some(reason)) => parts.push(reason.to_owned()),
            (Starting, None) => {
                parts.push(format!("not ready for {}: ready is {}", told(self.age(index)), unit.bot.ready));
            }
            _ => {}
        }
        if let (BackingOff, Some(deadline)) = (unit.state(), state.deadline()) {
            parts.push(format!("again in {}", told(deadline.saturating_duration_since(self.now))));
        }
        if state.stop_mark().is_some() && unit.state() != Stopping {
            parts.push("about to be stopped".to_owned());
        }
        if let (Some((_, exit)), None) = (state.history().last(), state.reason()) {
            parts.push(format!("its last run ended by {exit}"));
        }
        parts.extend(self.last_line(index).map(|line| format!("its last line: `{line}`")));
        let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        format!("`{name}` is {}{parts}", unit.state())
    }

    /// "`web` is stopping (SIGTERM was sent, and it has 3s more)".
    pub(super) fn why_not_down(&self, index: usize) -> String {
        let unit = &self.units[index];
        let name = &unit.bot.name;
        let why = if unit.state() == Stopping {
            match (unit.bot_state.reason(), unit.bot_state.extended_deadline()) {
                (Some(reason), _) => reason.to_owned(),
                (None, Some(deadline)) => {
                    let left = told(deadline.saturating_duration_since(self.now));
                    format!("{} was sent, and it has {left} more", unit.bot_state.current_step(&unit.bot).0)
                }
                (None, None) => "it is about to be sent a signal".to_owned(),
            }
        } else {
            let is_leaving = |other: &&usize| self.units.is_leaving(**other);
            match unit.dependents.iter().find(is_leaving) {
                Some(other) => {
                    format!("it is stopped when `{}` is down, which depends on it", self.units[*other].bot.name)
                }
                None => "it was started again".to_owned(),
            }
        };
        format!("`{name}` is {} ({why})", unit.state())
    }

    /// Returns for how long the bot has been in its state.
    fn age(&self, index: usize) -> Duration {
        self.now.saturating_duration_since(self.units[index].bot_state.since())
    }

    /// Returns the last line that the bot has printed, if it is kept in memory: escaped, and cut where it is long.
    fn last_line(&self, index: usize) -> Option<String> {
        let line = self.units[index].ring.borrow().last(1);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        (!line.is_empty()).then(|| escape_bytes(&line[..line.len().min(MAX_LINE_LENGTH)]).into_owned())
    }
}

/// Formats a time with no more digits than a reader needs.
fn told(time: Duration) -> String {
    if time < Duration::from_secs(10) { format!("{:.1}s", time.as_secs_f64()) } else { format!("{}s", time.as_secs()) }
}
