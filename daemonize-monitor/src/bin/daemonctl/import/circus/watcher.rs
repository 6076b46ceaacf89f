//! Translates `[watcher:x]`.

use super::super::document::{BotDraft, Section, TomlValue, literal};
use super::super::ini::IniSection;
use super::super::keys::{Entries, Entry};
use super::super::paths::Paths;
use super::super::procfile;
use super::super::units;
use super::super::words;
use super::{keys, streams, variables};

/// The first descriptor of `listen`, as from systemd.
const FIRST_DESCRIPTOR: usize = 3;

/// The `PATH` of a program that has no environment, which Python looks in.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The sockets of a configuration by name.
pub(super) struct Sockets(pub(super) Vec<(String, String)>);

/// The parts of a configuration that a watcher uses.
pub(super) struct Surroundings<'a> {
    pub(super) sockets: &'a Sockets,
    pub(super) sections: &'a [IniSection],
    pub(super) global: &'a [(String, String)],
    pub(super) paths: &'a Paths,
}

/// Translates a watcher.
pub(super) fn translate(name: &str, entries: &Entries<String>, around: &Surroundings<'_>) -> BotDraft {
    let mut bot = Section::default();
    let directory =
        entries.take("working_dir").map(|entry| around.paths.join(&variables::command_word(&entry.value, &|_| None)));
    command(&mut bot, entries, directory.as_deref(), around);
    if let Some(directory) = directory.or_else(|| around.paths.working_directory()) {
        bot.set("cwd", TomlValue::expanded(directory));
    }
    for (key, ours) in [("uid", "user"), ("gid", "group")] {
        if let Some(entry) = entries.take(key) {
            bot.set(ours, TomlValue::literal(&entry.value));
        }
    }
    variables_of(&mut bot, name, entries, around);
    instances(&mut bot, entries);
    policy(&mut bot, entries);
    limits(&mut bot, entries);
    streams::translate(&mut bot, entries, around.paths);
    entries.keep_rest(keys::OF_WATCHERS, &mut bot);
    BotDraft { name: name.to_owned(), section: bot }
}

/// Translates `cmd`, `args`, `shell` and `use_sockets`.
fn command(bot: &mut Section, entries: &Entries<String>, directory: Option<&str>, around: &Surroundings<'_>) {
    let Some(entry) = entries.take("cmd") else {
        return bot.keep("cmd", 0, "the watcher has none: write `command`");
    };
    let arguments = entries.take("args").map_or("", |entry| &entry.value);
    let whole = format!("{} {arguments}", entry.value);
    let named = variables::sockets(&whole);
    let uses = entries.take("use_sockets").is_some_and(|entry| units::truth(&entry.value) == Some(true));
    let listening: Vec<&(String, String)> = if uses {
        around.sockets.0.iter().filter(|(name, _)| named.is_empty() || named.contains(name)).collect()
    } else {
        Vec::new()
    };
    let descriptor =
        |socket: &str| listening.iter().position(|(name, _)| name == socket).map(|index| index + FIRST_DESCRIPTOR);
    let is_shell = entries.take("shell").is_some_and(|entry| units::truth(&entry.value) == Some(true));
    if is_shell {
        procfile::set_command(bot, whole.trim());
    } else {
        match words::split(&whole).map(|found| found.words) {
            Ok(words) if !words.is_empty() => {
                let mut words: Vec<String> =
                    words.iter().map(|word| variables::command_word(word, &descriptor)).collect();
                if words[0].contains('/') && !words[0].starts_with(['/', '$', '~']) {
                    words[0] = around.paths.join_to(directory, &words[0]);
                }
                let arguments = words.split_off(1);
                bot.set("command", TomlValue::expanded(words.remove(0)));
                if !arguments.is_empty() {
                    bot.set("args", TomlValue::list(arguments));
                }
            }
            Ok(_) => entry.keep(bot, "it is empty"),
            Err(reason) => entry.keep(bot, reason),
        }
    }
    if !listening.is_empty() {
        bot.set("listen", TomlValue::list(listening.iter().map(|(_, address)| address.clone())));
    }
}

/// Translates `[env:x]`, `env` and `copy_env`.
fn variables_of(bot: &mut Section, name: &str, entries: &Entries<String>, around: &Surroundings<'_>) {
    for section in around.sections {
        let Some(patterns) = section.suffix("env:") else { continue };
        let means = |pattern: &str| glob::Pattern::new(pattern.trim()).is_ok_and(|pattern| pattern.matches(name));
        if patterns.split(',').any(means) {
            for (name, value) in variables::environment(&section.entries, around.global) {
                bot.set_variable(&name, TomlValue::expanded(value));
            }
        }
    }
    if let Some(entry) = entries.take("env") {
        for pair in entry.value.split(',').filter(|pair| !pair.trim().is_empty()) {
            match pair.split_once('=') {
                Some((name, value)) => {
                    let value = variables::environment_value(value.trim(), around.global);
                    bot.set_variable(name.trim(), TomlValue::expanded(value));
                }
                None => bot.keep(format!("env = {pair}"), entry.line, "not `NAME=value`"),
            }
        }
    }
    if entries.take("copy_env").and_then(|entry| units::truth(&entry.value)) != Some(true) {
        bot.set("clear_env", TomlValue::Truth(true));
        let knows_path = bot.variable("PATH").is_some() || around.global.iter().any(|(name, _)| name == "PATH");
        if !knows_path {
            bot.set_variable("PATH", TomlValue::expanded(DEFAULT_PATH));
        }
    }
}

fn instances(bot: &mut Section, entries: &Entries<String>) {
    let is_single = entries.take("singleton").is_some_and(|entry| units::truth(&entry.value) == Some(true));
    let Some(entry) = entries.take("numprocesses") else { return set_one(bot, entries) };
    match entry.value.parse::<u32>() {
        Ok(count) if count > 1 && !is_single => bot.set("instances", TomlValue::Integer(count.into())),
        Ok(0) => bot.set("autostart", TomlValue::Truth(false)),
        Ok(_) => set_one(bot, entries),
        Err(_) => {
            // `$(circus.env.n)`
            let count = variables::command_word(&entry.value, &|_| None);
            if count.starts_with("${") {
                bot.set("instances", TomlValue::expanded(count));
            } else {
                entry.keep(bot, "not a number");
            }
        }
    }
}

/// Sets `instances = 1` for a watcher whose command or log uses its number.
fn set_one(bot: &mut Section, entries: &Entries<String>) {
    let uses = |entry: &Entry<String>| entry.value.to_ascii_lowercase().contains("wid");
    if ["cmd", "args", "stdout_stream.filename", "stderr_stream.filename"]
        .iter()
        .filter_map(|key| entries.take(key))
        .any(uses)
    {
        bot.set("instances", TomlValue::Integer(1));
    }
}

fn policy(bot: &mut Section, entries: &Entries<String>) {
    for (key, ours) in [("autostart", "autostart"), ("respawn", "restart")] {
        let Some(entry) = entries.take(key) else { continue };
        match (ours, units::truth(&entry.value)) {
            ("autostart", Some(truth)) => bot.set(ours, TomlValue::Truth(truth)),
            (_, Some(true)) => bot.set(ours, TomlValue::expanded("always")),
            (_, Some(false)) => bot.set(ours, TomlValue::expanded("never")),
            (_, None) => entry.keep(bot, "neither true nor false"),
        }
    }
    if let Some(entry) = entries.take("max_retry") {
        match entry.value.parse::<i64>() {
            Ok(retries) => {
                let exits = if retries < 0 { 1000 } else { retries.min(1000) };
                bot.set("limit", TomlValue::table([("exits", TomlValue::Integer(exits))]));
            }
            Err(_) => entry.keep(bot, "not a number"),
        }
    }
    if let Some(entry) = entries.take("max_age").filter(|entry| entry.value.trim() != "0") {
        match units::seconds(&entry.value) {
            Some(every) => {
                let action = ("action", TomlValue::expanded("restart"));
                bot.set("schedule", TomlValue::table([("every", TomlValue::expanded(every)), action]));
            }
            None => entry.keep(bot, "not a number of seconds"),
        }
    }
    let signal = entries.take("stop_signal");
    let timeout = entries.take("graceful_timeout");
    if signal.is_none() && timeout.is_none() {
        return;
    }
    let mut step = Vec::new();
    if let Some(entry) = signal {
        match units::signal(&entry.value) {
            Some(signal) => step.push(("signal".to_owned(), TomlValue::expanded(signal))),
            None => entry.keep(bot, "not a known signal"),
        }
    }
    let time = timeout.and_then(|entry| units::seconds(&entry.value)).filter(|time| time != "0s");
    step.push(("timeout".to_owned(), TomlValue::expanded(time.unwrap_or_else(|| "30s".into()))));
    bot.set("stop", TomlValue::Table(step));
}

/// Translates `rlimit_*`.
fn limits(bot: &mut Section, entries: &Entries<String>) {
    let mut limits = Vec::new();
    for entry in entries.take_all("rlimit_") {
        let name = entry.key.trim_start_matches("rlimit_").to_ascii_lowercase();
        match entry.value.parse::<i64>() {
            Ok(limit) if limit >= 0 => limits.push((literal(&name), TomlValue::Integer(limit))),
            _ if ["infinity", "-1"].contains(&entry.value.to_ascii_lowercase().as_str()) => {
                limits.push((literal(&name), TomlValue::expanded("unlimited")));
            }
            _ => entry.keep(bot, "not a number"),
        }
    }
    if !limits.is_empty() {
        bot.set("rlimits", TomlValue::Table(limits));
    }
}
