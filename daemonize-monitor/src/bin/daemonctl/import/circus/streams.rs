//! Translates `stdout_stream.*` and `stderr_stream.*`.

use super::super::document::{Section, TomlValue};
use super::super::keys::Entries;
use super::super::paths::Paths;
use super::super::units;
use super::variables;

/// Translates the streams of a watcher.
pub(super) fn translate(bot: &mut Section, entries: &Entries<String>, paths: &Paths) {
    let stdout = stream(bot, entries, "stdout", paths);
    let stderr = stream(bot, entries, "stderr", paths);
    let stderr = match (&stdout, stderr) {
        (Some(TomlValue::Table(one)), Some(TomlValue::Table(other))) if one.first() == other.first() => {
            Some(TomlValue::expanded("stdout"))
        }
        (Some(TomlValue::Table(_)), None) => Some(TomlValue::expanded("memory")),
        (_, stderr) => stderr,
    };
    for (key, value) in [("stdout", stdout), ("stderr", stderr)] {
        if let Some(value) = value {
            bot.set(key, value);
        }
    }
}

fn stream(bot: &mut Section, entries: &Entries<String>, name: &str, paths: &Paths) -> Option<TomlValue> {
    let get = |key: &str| entries.take(&format!("{name}_stream.{key}"));
    let class = get("class").map_or("FileStream", |entry| entry.value.as_str());
    let class = class.rsplit('.').next().unwrap_or(class);
    let Some(file) = get("filename") else {
        return match class {
            "StdoutStream" | "FancyStdoutStream" => Some(TomlValue::expanded("inherit")),
            _ => None,
        };
    };
    if file.value.starts_with("/dev/") {
        let target = if file.value == "/dev/null" { "null" } else { "inherit" };
        return Some(TomlValue::expanded(target));
    }
    let path = paths.join(&variables::command_word(&file.value, &|_| None));
    let mut table = vec![("file".to_owned(), TomlValue::expanded(path))];
    // circus rotates only if it is said.
    let size = get("max_bytes").map_or(Some("0B".to_owned()), |entry| {
        let size = units::size(&entry.value);
        if size.is_none() {
            entry.keep(bot, "not a size");
        }
        size
    });
    table.extend(size.map(|size| ("max_size".to_owned(), TomlValue::expanded(size))));
    if let Some(entry) = get("backup_count") {
        match entry.value.parse::<i64>().ok().filter(|count| (0..=1000).contains(count)) {
            Some(count) => table.push(("keep".into(), TomlValue::Integer(count))),
            None => entry.keep(bot, "not a number from 0 to 1000"),
        }
    }
    if get("time_format").is_some() {
        table.push(("timestamps".into(), TomlValue::Truth(true)));
    }
    Some(TomlValue::Table(table))
}
