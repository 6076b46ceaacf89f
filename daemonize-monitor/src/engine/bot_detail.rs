//! Collects all that is known of a bot: its relations, the next step and the reason for it, and its last exits.

use super::dependencies;
use super::exit_records::ExitRecord;
use super::scheduled_runs::ScheduleClocks;
use super::state::Engine;
use super::supervised_bot::SupervisedBot;
use super::supervisor::Supervisor;
use crate::bot::{Ready, Restart, ScheduledAction};
use crate::command_queue::{Answer, BotSnapshot};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{ExitReport, NextStep, RelatedBot};
use crate::restart_policy::Exit;
use crate::status::State;
use daemonize_core::{Pid, Signal};
use daemonize_sys::escape::escape;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The most bots that are shown at once: with all its exits, a bot may have 20 KiB of them.
const MAX_SHOWN: usize = 100;

/// The most bots of each direction of dependencies that are listed.
const MAX_RELATED: usize = 200;

/// The next step of a bot that is frozen.
const FROZEN: &str = "stays frozen until it is thawed or stopped";

/// The names of the first numbers in a row.
const ORDINALS: [&str; 10] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

impl Engine {
    /// Returns all that is known of the bots that a word selects.
    ///
    /// # Errors
    /// It selects none, or more than [`MAX_SHOWN`].
    pub(super) fn show(&self, word: &str) -> Result<Answer> {
        let found = self.named(word)?;
        if found.len() > MAX_SHOWN {
            let why = format!("it means {} bots, and at most {MAX_SHOWN} are shown at once", found.len());
            return Err(Error::failed(ErrorKind::Failed, "show", escape(word), why));
        }
        Ok(Answer::Snapshots(found.into_iter().map(|index| self.bots.snapshot(index)).collect()))
    }
}

impl Supervisor {
    fn snapshot(&self, index: usize) -> BotSnapshot {
        let unit = &self.units[index];
        BotSnapshot {
            bot: Arc::clone(&unit.bot),
            status: unit.status(self.now),
            dependencies: self.related(&unit.dependencies),
            dependents: self.related(&unit.dependents),
            next: self.next_step(index),
            cgroup: self.told_cgroup(index),
            exits: unit.exit_records.iter().map(exit_report).collect(),
        }
    }

    /// Returns bots in the order of their names.
    fn related(&self, bots: &[usize]) -> Vec<RelatedBot> {
        let related = |index: &usize| {
            let unit = &self.units[*index];
            RelatedBot { name: unit.bot.name.clone(), state: Some(unit.state()), ready: unit.is_ready() }
        };
        let mut found: Vec<RelatedBot> = bots.iter().take(MAX_RELATED).map(related).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }

    /// Returns the next step of a bot, when it comes, and why.
    fn next_step(&self, index: usize) -> NextStep {
        let unit = &self.units[index];
        let (state, reason) = (&unit.bot_state, unit.bot_state.told_reason());
        let left = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(self.now));
        match unit.state() {
            State::Running | State::Suspended | State::Starting | State::Waiting | State::BackingOff
                if state.stop_mark().is_some() =>
            {
                step("stops", None, Some(self.why_not_down(index)))
            }
            State::Waiting => match dependencies::missing(&self.units, index) {
                Some(other) => {
                    let step_text = format!("starts when {} is ready", self.units[other].bot.name);
                    step(step_text, None, Some(self.why_not_up(other, 0)))
                }
                None => step("starts", Some(Duration::ZERO), reason),
            },
            State::Starting if state.frozen_since().is_some() => step(FROZEN, None, reason),
            State::Starting => starting(unit, left(state.extended_deadline()), reason),
            State::Running | State::Suspended if unit.bot.scheduled_action() == Some(ScheduledAction::Restart) => {
                let why = reason.or_else(|| exits_so_far(unit, self.now));
                step("is restarted by its schedule", until_scheduled(unit), why)
            }
            State::Suspended if state.frozen_since().is_some() => step(FROZEN, None, reason),
            State::Running | State::Suspended => {
                step(if_it_exits(unit), None, reason.or_else(|| exits_so_far(unit, self.now)))
            }
            State::BackingOff => step("restarts", left(state.next_start()), Some(why_restarted(unit, reason))),
            State::Stopping => {
                let (signal, _) = state.current_step(&unit.bot);
                let next = if signal == Signal::SIGKILL { Signal::SIGKILL } else { state.following_signal(&unit.bot) };
                let why = reason.unwrap_or_else(|| format!("{signal} was sent"));
                step(format!("is sent {next}"), left(state.extended_deadline()), Some(why))
            }
            State::Stopped | State::GaveUp | State::Exited | State::Failed
                if unit.bot.scheduled_action() == Some(ScheduledAction::Start) =>
            {
                step("is started by its schedule", until_scheduled(unit), reason.or_else(|| why_down(unit)))
            }
            State::Stopped | State::GaveUp | State::Exited | State::Failed => {
                step("stays down until it is started", None, reason.or_else(|| why_down(unit)))
            }
        }
    }
}

fn step(step: impl Into<String>, time: Option<Duration>, why: Option<String>) -> NextStep {
    NextStep { step: step.into(), seconds: time.map(seconds), why }
}

/// A bot that is starting becomes ready, or is stopped when it does not in time.
fn starting(unit: &SupervisedBot, left: Option<Duration>, reason: Option<String>) -> NextStep {
    match &unit.bot.ready {
        _ if unit.bot_state.is_pending() => step("executes its program", None, reason),
        Ready::After(_) => step("is ready", left, reason),
        Ready::Exit => step("is ready when it has exited with success", None, reason),
        ready => step("is stopped unless it is ready", left, reason.or_else(|| Some(format!("ready is {ready}")))),
    }
}

/// Returns how long it is until the next run of the bot's schedule.
fn until_scheduled(unit: &SupervisedBot) -> Option<Duration> {
    let clocks = ScheduleClocks::now();
    let next = unit.scheduled_runs.as_ref()?.next_on_the_wall(&clocks)?;
    Some(next.duration_since(clocks.wall).unwrap_or_default())
}

/// Returns what follows the next exit of a bot that runs.
fn if_it_exits(unit: &SupervisedBot) -> &'static str {
    match unit.bot.restart {
        _ if unit.bot.ready == Ready::Exit => "is not restarted after an exit with success",
        Restart::Always => "restarts after an exit",
        Restart::OnFailure => "restarts after a failure",
        Restart::Never => "is not restarted after an exit",
    }
}

/// Returns "2 of 5 exits within 1h", if there is one.
fn exits_so_far(unit: &SupervisedBot, now: Instant) -> Option<String> {
    let limit = unit.bot.limit;
    let is_recent = |(at, _): &(Instant, Exit)| now.saturating_duration_since(*at) < limit.window;
    let count = unit.bot_state.history().exits().filter(is_recent).count();
    let window = humantime::format_duration(limit.window);
    (count > 0).then(|| format!("{count} of {} exits within {window}", limit.exits))
}

/// Returns "third exit in a row, status 1".
fn why_restarted(unit: &SupervisedBot, reason: Option<String>) -> String {
    let history = unit.bot_state.history();
    let (row, last) = (history.restarts_in_a_row() as usize, history.last());
    let (Some((_, exit)), true) = (last, row > 0) else { return reason.unwrap_or_default() };
    let row = match ORDINALS.get(row - 1) {
        Some(ordinal) => format!("{ordinal} exit in a row"),
        None => format!("exit {row} in a row"),
    };
    // The reason of a plain exit says nothing more.
    match reason.filter(|reason| *reason != format!("ended by {exit}")) {
        Some(reason) => format!("{row}: {reason}"),
        None => format!("{row}, {exit}"),
    }
}

/// Returns why a bot is down of which no reason is known.
fn why_down(unit: &SupervisedBot) -> Option<String> {
    let last = unit.exit_records.last();
    match (last, unit.bot.autostart) {
        (Some(last), _) if last.is_requested => Some("a command stopped it, or a bot that it depends on".to_owned()),
        (Some(last), _) => Some(last.reason.as_deref().map_or_else(|| last.exit.sentence(), str::to_owned)),
        (None, false) => Some("autostart is off".to_owned()),
        (None, true) => None,
    }
}

fn exit_report(record: &ExitRecord) -> ExitReport {
    ExitReport {
        at: seconds(record.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
        exit: record.exit.sentence(),
        status: if let Exit::Status(status) = record.exit { Some(status) } else { None },
        signal: if let Exit::Signal(signal) = record.exit { Some(signal.to_string()) } else { None },
        reason: record.reason.as_deref().map(str::to_owned),
        requested: record.is_requested,
        pid: record.pid.map(Pid::as_raw),
        ran_for: seconds(record.ran_for),
        lines: record.lines(),
    }
}

/// Returns seconds, with a precision of milliseconds.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
