//! Reads `schedule`.

use crate::bot::{Bot, MissedRuns, Schedule, ScheduledAction};
use crate::config::value::{Keys, Value};

const CRON: &str = "a cron expression, such as \"*/5 * * * *\"";

/// Reads `schedule`. A job with one starts at its times, and with the monitor only if it says so.
pub(super) fn read(bot: &mut Bot, keys: &Keys<'_>) {
    keys.set_some("schedule", &mut bot.schedule, |value| read_schedule(value).map(Box::new));
    if keys.get("autostart").is_none() && bot.scheduled_action() == Some(ScheduledAction::Start) {
        bot.autostart = false;
    }
}

/// Reads a cron expression, or a table.
fn read_schedule(value: Value<'_>) -> Option<Schedule> {
    if value.is_text() {
        return checked(value, Schedule::cron(value.expanded()?));
    }
    let keys = value.keys(&["cron", "every", "time_zone", "missed", "action"], &[])?;
    let (at, mut schedule) = match (keys.get("cron"), keys.get("every")) {
        (Some(cron), None) => (cron, Schedule::cron(cron.parsed(|text| Ok(text.to_owned()), CRON)?)),
        (None, Some(every)) => (every, Schedule::every(every.timeout()?)),
        _ => return value.wrong("expected one of `cron` and `every`"),
    };
    if let Some(zone) = keys.get("time_zone") {
        schedule = schedule.time_zone(zone.expanded()?);
    }
    if let Some(policy) = keys.get("missed") {
        schedule = schedule.missed(policy.parsed(missed, "\"skip\" or \"run\"")?);
    }
    if let Some(value) = keys.get("action") {
        schedule = schedule.action(value.parsed(action, "\"start\" or \"restart\"")?);
    }
    checked(at, schedule)
}

/// Returns a schedule that comes, or records at its times why it does not.
fn checked(value: Value<'_>, schedule: Schedule) -> Option<Schedule> {
    match schedule.check() {
        Ok(()) => Some(schedule),
        Err(wrong) => value.wrong(wrong),
    }
}

fn missed(text: &str) -> Result<MissedRuns, String> {
    match text {
        "skip" => Ok(MissedRuns::Skip),
        "run" => Ok(MissedRuns::Run),
        _ => Err(format!("`{text}` is not known: write \"skip\" or \"run\"")),
    }
}

fn action(text: &str) -> Result<ScheduledAction, String> {
    match text {
        "start" => Ok(ScheduledAction::Start),
        "restart" => Ok(ScheduledAction::Restart),
        _ => Err(format!("`{text}` is not known: write \"start\" or \"restart\"")),
    }
}
