//! Translates the log keys of supervisord.

use super::super::document::{Section, TomlValue};
use super::super::keys::Entries;
use super::super::paths::Paths;
use super::super::units;
use super::expansions::Expansions;

/// The size at which supervisord rotates by default, and how many old files it keeps.
const MAX_BYTES: &str = "50MiB";
const BACKUPS: i64 = 10;

/// Translates `stdout_logfile` and `stderr_logfile` with their sizes.
pub(super) fn translate(bot: &mut Section, entries: &Entries<String>, values: &Expansions<'_>, paths: &Paths) {
    let stdout = stream(bot, entries, "stdout", values, paths);
    let is_redirected = match entries.take("redirect_stderr") {
        None => false,
        Some(entry) => units::truth(&entry.value).unwrap_or_else(|| {
            entry.keep(bot, "neither true nor false");
            false
        }),
    };
    if is_redirected {
        // stderr goes where stdout goes by default.
        return set(bot, "stdout", stdout);
    }
    let stderr = stream(bot, entries, "stderr", values, paths);
    let stderr = match (&stdout, stderr) {
        (Some(TomlValue::Table(one)), Some(TomlValue::Table(other))) if one.first() == other.first() => {
            Some(TomlValue::expanded("stdout"))
        }
        // Without a file, supervisord keeps stderr apart.
        (Some(_), None) => Some(TomlValue::expanded("memory")),
        (_, stderr) => stderr,
    };
    set(bot, "stdout", stdout);
    set(bot, "stderr", stderr);
}

fn set(bot: &mut Section, key: &str, value: Option<TomlValue>) {
    if let Some(value) = value {
        bot.set(key, value);
    }
}

/// Returns the target of a stream; `None` for the default, memory.
fn stream(
    bot: &mut Section,
    entries: &Entries<String>,
    name: &str,
    values: &Expansions<'_>,
    paths: &Paths,
) -> Option<TomlValue> {
    let entry = entries.take(&format!("{name}_logfile"))?;
    let text = match entry.value.to_ascii_uppercase().as_str() {
        "NONE" => return Some(TomlValue::expanded("null")),
        "AUTO" | "" => return None,
        "SYSLOG" => {
            entry.keep(bot, "output goes to files, memory or the monitor's own: give the bot a log file");
            return None;
        }
        _ => values.expand(&entry.value),
    };
    let path = match text {
        Ok(path) => path,
        Err(reason) => {
            entry.keep(bot, reason);
            return None;
        }
    };
    let size = size(bot, entries, &format!("{name}_logfile_maxbytes"));
    let keep = number(bot, entries, &format!("{name}_logfile_backups"));
    if path.starts_with("/dev/") || path.starts_with("/proc/self/fd/") {
        return Some(TomlValue::expanded(if path == "/dev/null" { "null" } else { "inherit" }));
    }
    Some(file(&paths.join(&path), size, keep))
}

/// Returns the table of a log file.
pub(super) fn file(path: &str, size: Option<String>, keep: Option<i64>) -> TomlValue {
    TomlValue::table([
        ("file", TomlValue::expanded(path)),
        ("max_size", TomlValue::expanded(size.unwrap_or_else(|| MAX_BYTES.into()))),
        ("keep", TomlValue::Integer(keep.unwrap_or(BACKUPS))),
    ])
}

/// Takes a size.
pub(super) fn size(section: &mut Section, entries: &Entries<String>, key: &str) -> Option<String> {
    let entry = entries.take(key)?;
    let size = units::size(&entry.value);
    if size.is_none() {
        entry.keep(section, "not a size");
    }
    size
}

/// Takes how many old files are kept.
pub(super) fn number(section: &mut Section, entries: &Entries<String>, key: &str) -> Option<i64> {
    let entry = entries.take(key)?;
    let number = entry.value.parse().ok().filter(|number| (0..=1000).contains(number));
    if number.is_none() {
        entry.keep(section, "not a number from 0 to 1000");
    }
    number
}
