//! Reads `schedule`.

use crate::bot::{MissedRuns, Schedule, ScheduledAction};
use crate::config::value::Value;

const CRON: &str = "a cron expression, such as \"*/5 * * * *\"";

/// Reads `schedule`: a cron expression, or a table.
pub(super) fn read(value: Value<'_>) -> Option<Schedule> {
    if value.is_text() {
        return value.expanded().map(Schedule::cron);
    }
    let keys = value.keys(&["cron", "every", "time_zone", "missed", "action"], &[])?;
    let mut schedule = match (keys.get("cron"), keys.get("every")) {
        (Some(cron), None) => Schedule::cron(cron.parsed(|text| Ok(text.to_owned()), CRON)?),
        (None, Some(every)) => Schedule::every(every.timeout()?),
        _ => return value.wrong("expected one of `cron` and `every`"),
    };
    keys.set_some("time_zone", &mut schedule.time_zone, |value| value.expanded());
    keys.set("missed", &mut schedule.missed, |value| value.parsed(missed, "\"skip\" or \"run\""));
    keys.set_some("action", &mut schedule.action, |value| value.parsed(action, "\"start\" or \"restart\""));
    Some(schedule)
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
