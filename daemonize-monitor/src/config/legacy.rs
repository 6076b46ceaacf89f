//! Reads the legacy format of `dundergifflin.monitor`: `KEY=value`, one per line.
//!
//! The meaning is unchanged, with these exceptions: `LOG_STREAM` is one of two words, and nothing is evaluated; the
//! listener is on this machine only; unknown keys are mistakes.

use super::bot_entry::BotEntry;
use super::diagnostic::Location;
use super::monitor_keys::level;
use super::source_text::SourceText;
use super::suggestion::{listed, nearest};
use super::value_parsers;
use crate::bot::{self, Bot, Log};
use crate::settings::{Control, Facility, Handler, Settings};
use std::path::Path;

/// Every key.
const KEYS: [&str; 10] = [
    "PIDFILE",
    "LISTENER_HOST",
    "LISTENER_PORT",
    "AUTOSTART",
    "LOG_HANDLER",
    "LOG_STREAM",
    "LOG_FACILITY",
    "LOG_FILE",
    "LOG_LEVEL",
    "LOG_FORMAT",
];

/// The keys without which there is no monitor.
const REQUIRED: [&str; 3] = ["PIDFILE", "LISTENER_HOST", "LISTENER_PORT"];

/// One line: its key, its value and where they are.
struct LegacyEntry<'a> {
    key: &'a str,
    value: &'a str,
    place: Location,
    value_place: Location,
}

/// Returns `true` for this format: the first line besides comments is a key in capitals, `=` and a value without quotes.
pub(super) fn is_legacy(source: &SourceText<'_>) -> bool {
    let mut lines = source.text().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some((key, value)) = lines.next().and_then(|line| line.split_once('=')) else { return false };
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
    is_key(key) && !value.trim_start().starts_with(['"', '\'', '[', '{'])
}

/// Reads it.
pub(super) fn read(source: &SourceText<'_>) -> (Settings, Vec<BotEntry>) {
    let entries = entries(source);
    for key in REQUIRED.iter().filter(|key| find(&entries, key).is_none()) {
        source.mistake(Location::whole(source.file()), format!("`{key}` is missing: write `{key}=…`"));
    }
    let mut settings = Settings {
        pidfile: find(&entries, "PIDFILE").map(|entry| source.directory().join(entry.value)),
        control: Control { tcp: listener(source, &entries), ..Control::default() },
        log: handler(source, &entries),
        ..Settings::default()
    };
    if let Some(entry) = find(&entries, "LOG_LEVEL") {
        let word = entry.value.to_ascii_lowercase();
        let word = match &*word {
            "warning" => "warn",
            "critical" | "fatal" => "error",
            "notset" => "trace",
            other => other,
        };
        set(source, entry, level(word), &mut settings.log_level);
    }
    if let Some(entry) = find(&entries, "LOG_FORMAT") {
        set(source, entry, entry.value.parse(), &mut settings.log_format);
    }
    let bots = entries.iter().filter(|entry| entry.key == "AUTOSTART").filter_map(|entry| bot(source, entry)).collect();
    (settings, bots)
}

/// The lines that say something.
fn entries<'a>(source: &SourceText<'a>) -> Vec<LegacyEntry<'a>> {
    let (mut found, mut start): (Vec<LegacyEntry<'a>>, usize) = (Vec::new(), 0);
    for line in source.text().split_inclusive('\n') {
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = source.place(at);
        let Some((key, value)) = line.split_once('=') else {
            source.mistake(place, format!("`{line}` is no setting: write `KEY=value`"));
            continue;
        };
        let entry = LegacyEntry { key, value, place, value_place: source.place(at + key.len() + 1) };
        if entry.is_right(source, &found) {
            found.push(entry);
        }
    }
    found
}

impl LegacyEntry<'_> {
    fn is_right(&self, source: &SourceText<'_>, before: &[LegacyEntry<'_>]) -> bool {
        let wrong = match () {
            () if !KEYS.contains(&self.key) => match nearest(self.key, KEYS) {
                Some(near) => format!("unknown key `{}`: did you mean `{near}`?", self.key),
                None => format!("unknown key `{}`: known are {}", self.key, listed(KEYS, "and")),
            },
            () if self.value.is_empty() => format!("`{}` has no value: write one after the `=`", self.key),
            () if self.value.contains('\0') => format!("`{}` holds a NUL character", self.key),
            () => match find(before, self.key).filter(|_| self.key != "AUTOSTART") {
                Some(first) => format!("`{}` is there already, at {}: leave one of them", self.key, first.place),
                None => return true,
            },
        };
        source.mistake(self.place.clone(), wrong);
        false
    }
}

fn find<'e, 'a>(entries: &'e [LegacyEntry<'a>], key: &str) -> Option<&'e LegacyEntry<'a>> {
    entries.iter().find(|entry| entry.key == key)
}

/// Sets what was read, or notes what is wrong with it.
fn set<T>(source: &SourceText<'_>, entry: &LegacyEntry<'_>, read: Result<T, String>, into: &mut T) {
    match read {
        Ok(value) => *into = value,
        Err(wrong) => source.mistake(entry.value_place.clone(), format!("`{}`: {wrong}", entry.key)),
    }
}

fn listener(source: &SourceText<'_>, entries: &[LegacyEntry<'_>]) -> Option<std::net::SocketAddr> {
    let (host, port) = (find(entries, "LISTENER_HOST")?, find(entries, "LISTENER_PORT")?);
    let Ok(number) = port.value.parse::<u16>() else {
        let wrong = Err(format!("`{}` is no port: write a number up to 65535", port.value));
        set(source, port, wrong, &mut ());
        return None;
    };
    let text = if host.value.contains(':') {
        format!("[{}]:{number}", host.value)
    } else {
        format!("{}:{number}", host.value)
    };
    let mut address = None;
    let wrong = |_| format!("`{}` is not this machine alone: write 127.0.0.1", host.value);
    set(source, host, value_parsers::loopback(&text).map(Some).map_err(wrong), &mut address);
    address
}

fn handler(source: &SourceText<'_>, entries: &[LegacyEntry<'_>]) -> Option<Handler> {
    let entry = find(entries, "LOG_HANDLER")?;
    let mut handler = None;
    let read = match entry.value {
        "syslog" => {
            let mut facility = Facility::default();
            if let Some(entry) = find(entries, "LOG_FACILITY") {
                set(source, entry, entry.value.parse(), &mut facility);
            }
            Ok(Some(Handler::Syslog(facility)))
        }
        "file" => match find(entries, "LOG_FILE") {
            Some(file) => Ok(Some(Handler::of(Log::new(source.directory().join(file.value))))),
            None => Err("which file? write `LOG_FILE=PATH`".into()),
        },
        "stream" => Ok(Some(stream(source, find(entries, "LOG_STREAM")))),
        other => Err(format!("`{other}` is not known: write `syslog`, `file` or `stream`")),
    };
    set(source, entry, read, &mut handler);
    handler
}

/// One of two words; the original's `sys.stdout` is understood, nothing is evaluated.
fn stream(source: &SourceText<'_>, entry: Option<&LegacyEntry<'_>>) -> Handler {
    let Some(entry) = entry else { return Handler::Stderr };
    let mut handler = Handler::Stderr;
    let read = match entry.value {
        "stdout" | "sys.stdout" => Ok(Handler::Stdout),
        "stderr" | "sys.stderr" => Ok(Handler::Stderr),
        other => Err(format!("`{other}` is no stream: write `stdout` or `stderr`")),
    };
    set(source, entry, read, &mut handler);
    handler
}

/// A bot is called as its file, without what is after the last dot.
fn bot(source: &SourceText<'_>, entry: &LegacyEntry<'_>) -> Option<BotEntry> {
    let path = source.directory().join(entry.value);
    let stem = Path::new(entry.value).file_stem().unwrap_or_default().to_string_lossy();
    let mut name = None;
    set(source, entry, bot::check_bot_name(&stem).map(Some), &mut name);
    let place = entry.value_place.clone();
    let mut bot = Bot::new(name?, path);
    bot.directory = source.working_directory();
    Some(BotEntry { bot, place: place.clone(), dependencies: Vec::new(), command: place })
}
