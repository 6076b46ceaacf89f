//! Gives each bot log files of its own: two bots cannot rotate one file.

use super::document::{BotDraft, Document, TomlValue};
use std::collections::HashMap;

/// Renames the log files that another bot has already.
pub(super) fn settle(document: &mut Document) {
    let mut owners: HashMap<String, String> = HashMap::new();
    for bot in &mut document.bots {
        for key in ["stdout", "stderr"] {
            let Some(path) = path(bot, key) else { continue };
            let Some(owner) = owners.get(&path).filter(|owner| **owner != bot.name) else {
                owners.insert(path, bot.name.clone());
                continue;
            };
            let own = of_bot(&path, &bot.name);
            bot.section.keep(format!("{key} {path}"), 0, format!("bot `{owner}` has this log file: each has its own"));
            set_path(bot, key, own.clone());
            owners.insert(own, bot.name.clone());
        }
    }
}

fn path(bot: &BotDraft, key: &str) -> Option<String> {
    let Some(TomlValue::Table(table)) = bot.section.get(key) else { return None };
    match table.first() {
        Some((_, TomlValue::Text(path))) => Some(path.clone()),
        _ => None,
    }
}

fn set_path(bot: &mut BotDraft, key: &str, path: String) {
    let table = bot.section.entries.iter_mut().find(|(other, _)| other == key).map(|(_, value)| value);
    if let Some(TomlValue::Table(entries)) = table {
        if let Some((_, value)) = entries.first_mut() {
            *value = TomlValue::Text(path);
        }
    }
}

/// Returns the path with the name of the bot in it: `web.log` becomes `web-NAME.log`.
fn of_bot(path: &str, name: &str) -> String {
    let (directory, file) = path.rsplit_once('/').map_or(("", path), |(directory, file)| (directory, file));
    let file = match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}-{name}.{ending}"),
        _ => format!("{file}-{name}"),
    };
    if directory.is_empty() && !path.starts_with('/') { file } else { format!("{directory}/{file}") }
}
