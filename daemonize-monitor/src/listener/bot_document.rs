//! The JSON document of a bot.

use crate::counts::{BuiltIn, Counts};
use crate::health::LastCheck;
use crate::json;
use crate::status::{BotStatus, State};
use crate::usage::Used;
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

/// The events that the monitor counts itself, in the order of the document. They come before all others.
const BUILT_IN: [BuiltIn; 4] = [BuiltIn::Exit, BuiltIn::Start, BuiltIn::Restart, BuiltIn::Kill];

/// Returns the document of a bot.
pub(super) fn bot(status: &BotStatus, used: &HashMap<i32, Used>, now: Instant) -> json::BotReport {
    let used = status.pid.and_then(|pid| used.get(&pid.as_raw()));
    let exits = status.exits.iter().filter(|(age, _)| *age < status.limit.window).count();
    let next_start = status.left.filter(|_| status.state == State::BackingOff);
    json::BotReport {
        name: status.name.clone(),
        family: status.family().to_owned(),
        group: status.group.clone(),
        state: Some(shown_state(status)),
        reason: shown_reason(status),
        pid: status.pid.map(daemonize_core::Pid::as_raw),
        since: unix_seconds(status.since),
        frozen_since: status.frozen_since.map(unix_seconds),
        uptime: status.uptime.map(seconds),
        exits: u32::try_from(exits).unwrap_or(u32::MAX),
        limit: status.limit.exits,
        window: seconds(status.limit.window),
        next_start: next_start.map(seconds),
        last_exit: status.exits.last().map(|(_, exit)| exit.sentence()),
        next_run: status.next_run.map(unix_seconds),
        cpu: used.and_then(|used| used.cpu),
        // Before exec(2), the memory is not that of the program.
        memory: used.map(|used| used.memory).filter(|memory| *memory > 0),
        memory_max: status.memory_max,
        dropped: status.lost_output,
        autostart: status.autostart,
        configured: !status.temporary,
        rolling: status.rolling.clone(),
        events: events(&status.counts, now),
        health: status.health,
        last_check: status.last_check.as_ref().map(check),
    }
}

fn check(check: &LastCheck) -> json::CheckReport {
    json::CheckReport {
        time: unix_seconds(check.at),
        ok: check.failure.is_none(),
        reason: check.failure.clone(),
        failures: check.failures,
    }
}

/// Returns the state to show. A bot whose process has just ended is shown as stopping, although its group may still run.
fn shown_state(status: &BotStatus) -> State {
    match status.state {
        State::Running | State::Starting | State::Suspended if status.is_ending => State::Stopping,
        state => state,
    }
}

/// Returns the reason of the state, the error of the log if it cannot be written, and why limits do not apply.
fn shown_reason(status: &BotStatus) -> Option<String> {
    let cgroup = status.cgroup_problem.as_ref().map(|why| format!("without limits of its control group: {why}"));
    let parts: Vec<String> =
        [status.reason.clone(), status.log_trouble.clone(), cgroup].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns the counts: the built-in ones first, even if they are 0.
pub(super) fn events(counts: &Counts, now: Instant) -> Vec<json::Event> {
    let built_in = BUILT_IN.iter().map(|event| match counts.get(event.name(), now) {
        Some(count) => self::event(&count),
        None => json::Event {
            name: event.name().to_owned(),
            minutes: vec![0; crate::counts::MINUTES],
            ..json::Event::default()
        },
    });
    let is_built_in = |name: &str| BUILT_IN.iter().any(|event| event.name() == name);
    built_in.chain(counts.iter(now).filter(|count| !is_built_in(count.name)).map(|count| self::event(&count))).collect()
}

fn event(count: &crate::counts::Count<'_>) -> json::Event {
    let minutes = count.minutes.iter().copied().map(u64::from).collect();
    json::Event { name: count.name.to_owned(), total: count.total, hour: count.past_hour(), minutes }
}

/// Returns seconds, with a precision of milliseconds.
pub(super) fn seconds(time: Duration) -> f64 {
    let milliseconds = u32::try_from(time.as_millis() % 1000).unwrap_or_default();
    #[allow(clippy::cast_precision_loss)] // Exact up to 2^53 seconds.
    let whole = time.as_secs() as f64;
    whole + f64::from(milliseconds) / 1000.0
}

/// Returns the seconds since 1970 (UTC).
pub(super) fn unix_seconds(time: SystemTime) -> f64 {
    seconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
