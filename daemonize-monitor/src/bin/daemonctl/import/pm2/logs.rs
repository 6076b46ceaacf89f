//! Translates the log keys of pm2.

use super::super::document::{Section, TomlValue, literal};
use super::super::keys::Entries;
use super::super::paths::Paths;
use super::values::text;
use serde_json::Value;

/// Translates `out_file`, `error_file` and their relatives.
pub(super) fn translate(bot: &mut Section, entries: &Entries<Value>, cwd: Option<&str>, paths: &Paths) {
    let mut first = |keys: &[&str]| {
        let found: Vec<String> = keys.iter().filter_map(|key| text(bot, entries, key)).collect();
        found.into_iter().next()
    };
    let (out, both, error) =
        (first(&["out_file", "output"]), first(&["log_file", "log"]), first(&["error_file", "error"]));
    let is_true = |key: &str| entries.take(key).is_some_and(|entry| entry.value == Value::Bool(true));
    let has_format = entries.take("log_date_format").is_some_and(|entry| entry.value.is_string());
    let timestamps = is_true("time") || has_format;
    if is_true("disable_logs") {
        bot.set("stdout", TomlValue::expanded("null"));
        return bot.set("stderr", TomlValue::expanded("null"));
    }
    let target = |path: &str| {
        if path == "/dev/null" || path == "NULL" {
            return TomlValue::expanded("null");
        }
        if path.starts_with("/dev/") || path.starts_with("/proc/self/fd/") {
            return TomlValue::expanded("inherit");
        }
        let mut table = vec![
            ("file".to_owned(), TomlValue::expanded(paths.join_to(cwd, &literal(path)))),
            ("max_size".to_owned(), TomlValue::expanded("0B")),
        ];
        if timestamps {
            table.push(("timestamps".into(), TomlValue::Truth(true)));
        }
        TomlValue::Table(table)
    };
    let has_both = both.is_some();
    let stdout = out.or(both).map(|path| target(&path));
    let stderr = match (&stdout, error.map(|path| target(&path))) {
        (Some(one), Some(other)) if *one == other => None,
        // Without a file, pm2 keeps stderr apart; `log_file` has both.
        (Some(_), None) if !has_both => Some(TomlValue::expanded("memory")),
        (_, stderr) => stderr,
    };
    for (key, value) in [("stdout", stdout), ("stderr", stderr)] {
        if let Some(value) = value {
            bot.set(key, value);
        }
    }
}
