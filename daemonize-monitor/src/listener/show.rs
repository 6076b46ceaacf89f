//! A bot as it is told.

use super::on_the_wall;
use crate::counts::{BuiltIn, Counts};
use crate::json;
use crate::restart_policy::Exit;
use crate::status::{BotStatus, State};
use crate::usage::Used;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The order in which the monitor's own events are told, before all others.
const OWN: [BuiltIn; 4] = [BuiltIn::Exit, BuiltIn::Start, BuiltIn::Restart, BuiltIn::Kill];

pub(super) fn bot(status: &BotStatus, used: &HashMap<i32, Used>, now: Instant) -> json::Bot {
    let used = status.pid.and_then(|pid| used.get(&pid.as_raw()));
    let exits = status.exits.iter().filter(|(age, _)| *age < status.limit.window).count();
    let next_start = status.left.filter(|_| status.state == State::BackingOff);
    json::Bot {
        name: status.name.clone(),
        family: status.family().to_owned(),
        state: Some(at(status)),
        reason: reason(status),
        pid: status.pid.map(daemonize_core::Pid::as_raw),
        since: on_the_wall(status.since),
        uptime: status.uptime.map(seconds),
        exits: u32::try_from(exits).unwrap_or(u32::MAX),
        limit: status.limit.exits,
        window: seconds(status.limit.window),
        next_start: next_start.map(seconds),
        last_exit: status.exits.last().map(|(_, exit)| ended(*exit)),
        cpu: used.and_then(|used| used.cpu),
        // A process that has not begun its program yet has none.
        memory: used.map(|used| used.memory).filter(|memory| *memory > 0),
        dropped: status.lost_output,
        autostart: status.autostart,
        configured: !status.temporary,
        events: events(&status.counts, now),
    }
}

/// What it is at. One whose process has just ended does not run, whatever is still being done about that.
fn at(status: &BotStatus) -> State {
    match status.state {
        State::Running | State::Starting | State::Suspended if status.is_ending => State::Stopping,
        state => state,
    }
}

/// Why it is as it is; a log that cannot be written, too.
fn reason(status: &BotStatus) -> Option<String> {
    match (&status.reason, &status.log_trouble) {
        (Some(reason), Some(trouble)) => Some(format!("{reason}; {trouble}")),
        (reason, trouble) => reason.clone().or_else(|| trouble.clone()),
    }
}

/// "exited with status 1", "killed by SIGKILL".
fn ended(exit: Exit) -> String {
    match exit {
        Exit::Status(status) => format!("exited with status {status}"),
        Exit::Signal(signal) => format!("killed by {signal}"),
        other => other.to_string(),
    }
}

/// What was counted: the monitor's own first, also what did not happen.
pub(super) fn events(counts: &Counts, now: Instant) -> Vec<json::Event> {
    let own = OWN.iter().map(|event| match counts.get(event.name(), now) {
        Some(count) => self::event(&count),
        None => json::Event {
            name: event.name().to_owned(),
            minutes: vec![0; crate::counts::MINUTES],
            ..json::Event::default()
        },
    });
    let is_own = |name: &str| OWN.iter().any(|event| event.name() == name);
    own.chain(counts.iter(now).filter(|count| !is_own(count.name)).map(|count| self::event(&count))).collect()
}

fn event(count: &crate::counts::Count<'_>) -> json::Event {
    let minutes = count.minutes.iter().copied().map(u64::from).collect();
    json::Event { name: count.name.to_owned(), total: count.total, hour: count.past_hour(), minutes }
}

/// With milliseconds, which is as exact as anybody wants it.
pub(super) fn seconds(time: Duration) -> f64 {
    let milliseconds = u32::try_from(time.as_millis() % 1000).unwrap_or_default();
    #[allow(clippy::cast_precision_loss)] // Of a number of seconds that no clock will ever show.
    let whole = time.as_secs() as f64;
    whole + f64::from(milliseconds) / 1000.0
}
