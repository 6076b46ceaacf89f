//! Takes values of an app: texts, words and durations.

use super::super::document::Section;
use super::super::keys::Entries;
use super::super::{units, words};
use serde_json::Value;

/// Takes a text or a number.
pub(super) fn text(bot: &mut Section, entries: &Entries<Value>, key: &str) -> Option<String> {
    let entry = entries.take(key)?;
    match &entry.value {
        Value::String(text) if !text.is_empty() => return Some(text.clone()),
        Value::Number(number) => return Some(number.to_string()),
        _ => entry.keep(bot, "not a text"),
    }
    None
}

/// Takes words: a list, or a text that is split as a shell does.
pub(super) fn list(bot: &mut Section, entries: &Entries<Value>, key: &str) -> Vec<String> {
    let Some(entry) = entries.take(key) else { return Vec::new() };
    match &entry.value {
        Value::Array(values) => {
            let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return values.iter().map(word).collect();
        }
        Value::String(text) => match words::split(text) {
            Ok(found) => return found.words,
            Err(reason) => entry.keep(bot, reason),
        },
        _ => entry.keep(bot, "neither a text nor a list"),
    }
    Vec::new()
}

/// Takes a duration: milliseconds, or a text such as `10s`, `5m` and `1h`.
pub(super) fn time(bot: &mut Section, entries: &Entries<Value>, key: &str) -> Option<String> {
    let entry = entries.take(key)?;
    let time = match &entry.value {
        Value::String(text) => match text.trim().strip_suffix(['s', 'm', 'h']) {
            Some(number) if number.parse::<u32>().is_ok() => Some(text.trim().to_owned()),
            _ => text.trim().parse().ok().map(units::milliseconds),
        },
        other => other.as_u64().map(units::milliseconds),
    };
    if time.is_none() {
        entry.keep(bot, "not a number of milliseconds");
    }
    time
}
