//! Reads `env` and `env_file`.

use crate::bot;
use crate::config::diagnostic::{Diagnostic, Location};
use crate::config::env_file;
use crate::config::source_text::SourceText;
use crate::config::trusted_file;
use crate::config::value::{Keys, Value};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Variables that the monitor sets.
const OURS: &[&str] = &[
    "DAEMON_BOT",
    "DAEMON_BOT_SECRET",
    "DAEMON_EVENTS",
    "DAEMON_EVENTS_PIPE",
    "DAEMON_INSTANCE",
    "DAEMON_MONITOR",
    "DAEMON_MONITOR_ID",
    "DAEMON_STOP_TIMEOUT",
    "NOTIFY_SOCKET",
];

/// The variables of a bot.
type BotVariables = BTreeMap<OsString, OsString>;

/// Reads the variables of a bot. Those of its `env` come before those of its files, and all of a bot before those of
/// `[defaults]`.
pub(super) fn read(keys: &Keys<'_>) -> BotVariables {
    let mut variables = BotVariables::new();
    let own_file = keys.own("env_file");
    let layers = [
        keys.default("env_file").filter(|_| own_file.is_none()).map(of_files),
        keys.default("env").map(of_table),
        own_file.map(of_files),
        keys.own("env").map(of_table),
    ];
    layers.into_iter().flatten().flatten().for_each(|layer| variables.extend(layer));
    variables
}

fn of_table(value: Value<'_>) -> Option<BotVariables> {
    let values = value.table("a table, such as { PORT = \"80\" }")?;
    let variables = values.into_iter().map(|value| {
        if OURS.contains(&value.key) {
            return value.wrong("the monitor sets this variable itself");
        }
        if !bot::is_variable(value.key.as_ref()) {
            return value.wrong("no variable can have this name");
        }
        Some((OsString::from(value.key), OsString::from(value.expanded()?)))
    });
    variables.collect()
}

/// Reads the variables of one file or several, of which the later ones count more.
fn of_files(value: Value<'_>) -> Option<BotVariables> {
    let files = if value.is_list() { value.list("a list of paths")? } else { vec![value] };
    let mut variables = BotVariables::new();
    for file in files {
        variables.extend(of_file(file)?);
    }
    Some(variables)
}

fn of_file(value: Value<'_>) -> Option<BotVariables> {
    let path = value.path()?;
    let cache = &value.source.variables.env_files;
    if let Some(known) = cache.borrow().get(&path) {
        return Some(known.clone());
    }
    let bytes = match trusted_file::read(&path) {
        Ok((bytes, _)) => bytes,
        Err(wrong) => return value.wrong(format!("failed to read `{}`: {wrong}", path.display())),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return value.wrong(format!("failed to read `{}`: it is not UTF-8", path.display()));
    };
    let variables = parsed(&value, &path, text)?;
    cache.borrow_mut().insert(path, variables.clone());
    Some(variables)
}

/// Parses a file, and records its mistakes at their places in it.
fn parsed(value: &Value<'_>, path: &Path, text: &str) -> Option<BotVariables> {
    let source = SourceText::new(path, text, &value.source.variables, value.source.mistakes());
    match env_file::parse(text) {
        Ok(found) => match found.iter().find(|(name, _)| OURS.contains(&&**name)) {
            Some((name, _)) => {
                let text = format!("`{name}`: the monitor sets this variable itself");
                source.mistake(Location::whole(path), text);
                None
            }
            None => Some(found.into_iter().map(|(name, value)| (name.into(), value.into())).collect()),
        },
        Err(mistakes) => {
            let told = |(at, text)| Diagnostic { place: source.place(at), text };
            value.source.mistakes().borrow_mut().extend(mistakes.into_iter().map(told));
            None
        }
    }
}
