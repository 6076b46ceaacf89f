//! Reads the keys of restarts and stops.

use super::{check, ready};
use crate::bot::{Backoff, Bot, LARGEST_LIMIT, Limit, Restart, StopStep};
use crate::config::value::{Keys, Value};

/// Reads the keys of restarts, stops, readiness and checks.
pub(super) fn read(bot: &mut Bot, keys: &Keys<'_>) {
    keys.set("restart", &mut bot.restart, |value| value.parsed(restart, "\"always\", \"on-failure\" or \"never\""));
    keys.set("limit", &mut bot.limit, limit);
    keys.set("backoff", &mut bot.backoff, backoff);
    keys.set("stop", &mut bot.stop, stop);
    keys.set("ready", &mut bot.ready, ready::read);
    keys.set("ready_timeout", &mut bot.ready_timeout, |value| value.timeout());
    keys.set_some("check", &mut bot.check, |value| check::read(value).map(Box::new));
}

fn restart(text: &str) -> Result<Restart, String> {
    match text {
        "always" => Ok(Restart::Always),
        "on-failure" => Ok(Restart::OnFailure),
        "never" => Ok(Restart::Never),
        _ => Err(format!("`{text}` is not known: write \"always\", \"on-failure\" or \"never\"")),
    }
}

fn limit(value: Value<'_>) -> Option<Limit> {
    value.table("a table, such as { exits = 5, window = \"1h\" }")?;
    let keys = value.keys(&["exits", "window"], &[])?;
    let mut limit = Limit::default();
    keys.set("exits", &mut limit.exits, |value| value.integer(0..=LARGEST_LIMIT));
    keys.set("window", &mut limit.window, |value| value.timeout());
    Some(limit)
}

fn backoff(value: Value<'_>) -> Option<Backoff> {
    let keys = value.keys(&["first", "factor", "cap", "jitter", "stable_after"], &[])?;
    let mut backoff = Backoff::default();
    keys.set("first", &mut backoff.first, |value| value.wait());
    keys.set("factor", &mut backoff.factor, |value| value.number(1.0..=100.0));
    keys.set("cap", &mut backoff.cap, |value| value.wait());
    keys.set("jitter", &mut backoff.jitter, |value| value.number(0.0..=1.0));
    keys.set("stable_after", &mut backoff.stable_after, |value| value.wait());
    if backoff.first > backoff.cap {
        return value.wrong("`first` is longer than `cap`: write a longer `cap`");
    }
    Some(backoff)
}

fn stop(value: Value<'_>) -> Option<Vec<StopStep>> {
    let steps = if value.is_list() { value.list("a list")? } else { vec![value] };
    if steps.is_empty() {
        return value.wrong("it has no step: write { signal = \"TERM\", timeout = \"10s\" }");
    }
    steps.into_iter().map(stop_step).collect()
}

fn stop_step(value: Value<'_>) -> Option<StopStep> {
    let keys = value.keys(&["signal", "timeout"], &[])?;
    let mut step = Bot::new("", "").stop.remove(0);
    let signal = |text: &str| {
        text.parse().map_err(|_| format!("`{text}` is not a known signal: write a name, such as \"TERM\""))
    };
    keys.set("signal", &mut step.signal, |value| value.parsed(signal, "the name of a signal, such as \"TERM\""));
    keys.set("timeout", &mut step.timeout, |value| value.timeout());
    Some(step)
}
