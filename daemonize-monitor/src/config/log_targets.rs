//! Reads the keys of log files and of `stdout` and `stderr`.

use super::value::{Keys, Value, known_only};
use super::value_parsers;
use super::variables::ConfigVariables;
use crate::bot::{Bot, Log, LogTarget};

/// The keys of a log file.
const KEYS: &[&str] = &["file", "max_size", "keep", "timestamps"];

/// The most old files that are kept.
const MAX_ROTATED_FILES: u32 = 1000;

/// Reads `stdout` and `stderr`. Returns for each of them whether it names the instance of the bot.
pub(super) fn read(bot: &mut Bot, keys: &Keys<'_>, variables: &ConfigVariables<'_>) -> [bool; 2] {
    let before = variables.instance_uses();
    keys.set("stdout", &mut bot.stdout, |value| target(value, 1, "\"memory\", \"null\", \"inherit\""));
    let between = variables.instance_uses();
    keys.set("stderr", &mut bot.stderr, |value| match value.is_text().then(|| value.text()).flatten().as_deref() {
        Some("stdout") => Some(LogTarget::Stdout),
        _ => target(value, 2, "\"stdout\", \"memory\", \"null\", \"inherit\""),
    });
    if same_file(&bot.stdout, &bot.stderr) {
        if let Some(value) = keys.get("stderr") {
            value.wrong::<()>("it is the file of `stdout`: write `stderr = \"stdout\"`");
        }
    }
    [between != before, variables.instance_uses() != between]
}

/// Returns what a path means as the stream of this number: see [`LogTarget::resolved`].
fn resolved(value: Value<'_>, log: Log, number: i32) -> Option<LogTarget> {
    LogTarget::File(log).resolved(number).map_or_else(|wrong| value.wrong(wrong), Some)
}

fn target(value: Value<'_>, number: i32, words: &str) -> Option<LogTarget> {
    if !value.is_text() {
        return resolved(value, log(value)?, number);
    }
    match &*value.text()? {
        "memory" => Some(LogTarget::Memory),
        "null" => Some(LogTarget::Null),
        "inherit" => Some(LogTarget::Inherit),
        text if text.contains('/') => resolved(value, Log::new(value.path()?), number),
        text => value.wrong(format!("`{text}` is not known: write {words}, or a path such as \"./{text}\"")),
    }
}

/// Reads the table of a log file.
pub(super) fn log(value: Value<'_>) -> Option<Log> {
    let keys = known_only(value.table("a word, a path, or a table such as { file = \"PATH\" }")?, KEYS, &[]);
    let Some(file) = keys.get("file") else {
        return value.wrong("it has no file: write `file = \"PATH\"`");
    };
    let mut log = Log::new(file.path()?);
    keys.set("max_size", &mut log.max_size, |value| {
        value.parsed(value_parsers::size, "a size in quotes, such as \"10MB\"")
    });
    keys.set("keep", &mut log.keep, |value| value.integer(0..=MAX_ROTATED_FILES));
    keys.set("timestamps", &mut log.timestamps, |value| value.truth());
    Some(log)
}

fn same_file(stdout: &LogTarget, stderr: &LogTarget) -> bool {
    matches!((stdout, stderr), (LogTarget::File(one), LogTarget::File(other)) if one.path == other.path)
}
