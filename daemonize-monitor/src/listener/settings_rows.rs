//! Keys of a bot's configuration with their values, as people write them: one function for each row.

use crate::bot::{Bot, CgroupLimits, Check, Ready, Resource, ResourceLimit, Restart};
use crate::json::Setting;
use std::ffi::OsString;
use std::time::Duration;

/// Returns the value of a key; `None` if it has nothing to say for this bot.
type Row = fn(&Bot) -> Option<String>;

/// The rows, in the order in which they are shown. A key that says nothing for a bot without it is left out.
const ROWS: &[(&str, Row)] = &[
    ("autostart", |bot| (!bot.autostart).then(|| "off".to_owned())),
    ("ready", |bot| Some(ready(bot))),
    ("check", |bot| bot.check.as_deref().map(check)),
    ("restart", |bot| Some(restart(bot))),
    ("backoff", |bot| (bot.restart != Restart::Never).then(|| backoff(bot))),
    ("stop", |bot| Some(stop(bot))),
    ("listen", |bot| list(&bot.listen)),
    ("schedule", |bot| bot.schedule.as_deref().map(ToString::to_string)),
    ("on_exit", |bot| bot.hooks.as_deref().and_then(|hooks| command(&hooks.on_exit))),
    ("on_gave_up", |bot| bot.hooks.as_deref().and_then(|hooks| command(&hooks.on_gave_up))),
    ("on_unhealthy", |bot| bot.hooks.as_deref().and_then(|hooks| command(&hooks.on_unhealthy))),
    ("umask", |bot| bot.umask.map(|umask| format!("{umask:03o}"))),
    ("no_new_privs", |bot| bot.no_new_privs.map(|on| if on { "on" } else { "off" }.to_owned())),
    ("memory_max", |bot| bot.memory_max.map(bytes)),
    ("nice", |bot| bot.nice.map(|nice| nice.to_string())),
    ("rlimits", |bot| list(&bot.rlimits.iter().map(resource_limit).collect::<Vec<_>>())),
    ("oom_score_adjust", |bot| bot.oom_score_adjust.map(|adjust| adjust.to_string())),
    ("cgroup", |bot| bot.cgroup.as_deref().and_then(cgroup)),
];

/// Returns the rows of a bot.
pub(super) fn rows(bot: &Bot) -> Vec<Setting> {
    let row = |(key, value): &(&str, Row)| Some(Setting { key: (*key).to_owned(), value: value(bot)? });
    ROWS.iter().filter_map(row).collect()
}

fn ready(bot: &Bot) -> String {
    match &bot.ready {
        Ready::After(time) => format!("after {}", duration(*time)),
        ready @ (Ready::AtOnce | Ready::Exit) => ready.to_string(),
        ready => format!("{ready}, within {}", duration(bot.ready_timeout)),
    }
}

fn check(check: &Check) -> String {
    let [every, timeout] = [check.every, check.timeout].map(duration);
    format!("{}, every {every}, within {timeout}, unhealthy after {} failures", check.probe, check.failures)
}

fn restart(bot: &Bot) -> String {
    match bot.restart {
        Restart::Never => bot.restart.to_string(),
        restart => format!("{restart}, up to {} exits within {}", bot.limit.exits, duration(bot.limit.window)),
    }
}

fn backoff(bot: &Bot) -> String {
    let backoff = &bot.backoff;
    let [first, cap] = [backoff.first, backoff.cap].map(duration);
    format!("{first}, then {} times longer each, up to {cap}", backoff.factor)
}

fn stop(bot: &Bot) -> String {
    let steps = bot.stop.iter().map(|step| format!("{}, {} later ", step.signal, duration(step.timeout)));
    format!("{}SIGKILL", steps.collect::<String>())
}

fn list<T: ToString>(values: &[T]) -> Option<String> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Returns the words of a command.
fn command(words: &[OsString]) -> Option<String> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn resource_limit((resource, limit): (&Resource, &ResourceLimit)) -> String {
    let told = |value: Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    match (limit.soft, limit.hard) {
        (soft, hard) if soft == hard => format!("{resource} {}", told(soft)),
        (soft, hard) => format!("{resource} {} to {}", told(soft), told(hard)),
    }
}

fn cgroup(limits: &CgroupLimits) -> Option<String> {
    let keys = [
        limits.cpu_max.map(|value| format!("cpu_max {value}%")),
        limits.cpu_weight.map(|value| format!("cpu_weight {value}")),
        limits.memory_high.map(|value| format!("memory_high {}", bytes(value))),
        limits.memory_max.map(|value| format!("memory_max {}", bytes(value))),
        limits.pids_max.map(|value| format!("pids_max {value}")),
    ];
    list(&keys.into_iter().flatten().collect::<Vec<_>>())
}

/// Formats a number of bytes as a configuration has it.
fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS.iter().find(|(size, _)| count >= *size && count % size == 0);
    unit.map_or_else(|| format!("{count} B"), |(size, name)| format!("{} {name}", count / size))
}

fn duration(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_is_left_out_where_the_key_says_nothing() {
        let rows = |bot: &Bot| rows(bot).into_iter().map(|row| (row.key, row.value)).collect::<Vec<_>>();
        let told = [
            ("ready", "after 1s"),
            ("restart", "always, up to 5 exits within 1h"),
            ("backoff", "1s, then 2 times longer each, up to 1m"),
            ("stop", "SIGTERM, 10s later SIGKILL"),
        ];
        assert_eq!(rows(&Bot::new("web", "/bin/web")), told.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let mut bot = Bot::new("web", "/bin/web").autostart(false).restart(Restart::Never).ready(Ready::Notify);
        bot.memory_max = Some(512_000_000);
        let told = [
            ("autostart", "off"),
            ("ready", "notify, within 1m"),
            ("restart", "never"),
            ("stop", "SIGTERM, 10s later SIGKILL"),
            ("memory_max", "512 MB"),
        ];
        assert_eq!(rows(&bot), told.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}
