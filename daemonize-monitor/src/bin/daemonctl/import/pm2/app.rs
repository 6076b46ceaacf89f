//! Translates an app of pm2.

use super::super::document::{BotDraft, Section, TomlValue, literal};
use super::super::keys::{Entries, Entry};
use super::super::paths::Paths;
use super::super::{limits, procfile, units};
use super::values::{list, text, time};
use super::{keys, logs};
use serde_json::{Map, Value};
use std::path::Path;

/// The interpreters by the ending of a script.
const INTERPRETERS: &[(&str, &str)] = &[
    ("js", "node"),
    ("cjs", "node"),
    ("mjs", "node"),
    ("ts", "ts-node"),
    ("coffee", "coffee"),
    ("py", "python3"),
    ("rb", "ruby"),
    ("php", "php"),
    ("pl", "perl"),
    ("sh", "bash"),
];

/// The variable in which pm2 numbers instances.
const INSTANCE_VARIABLE: &str = "NODE_APP_INSTANCE";

/// Translates an app.
pub(super) fn translate(app: Map<String, Value>, paths: &Paths) -> BotDraft {
    let entries = Entries(app.into_iter().map(|(key, value)| Entry::new(key, value, 0)).collect());
    let mut bot = Section::default();
    let script = text(&mut bot, &entries, "script").unwrap_or_default();
    let cwd = text(&mut bot, &entries, "cwd").map(|cwd| paths.join(&literal(&cwd)));
    let stem = Path::new(&script).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = text(&mut bot, &entries, "name").or(stem).unwrap_or_default();
    command(&mut bot, &entries, &script, cwd.as_deref(), paths);
    if let Some(cwd) = cwd.clone().or_else(|| paths.working_directory()) {
        bot.set("cwd", TomlValue::expanded(cwd));
    }
    for (key, ours) in [("uid", "user"), ("user", "user"), ("gid", "group"), ("namespace", "bot_group")] {
        if let Some(value) = text(&mut bot, &entries, key) {
            bot.set(ours, TomlValue::literal(&value));
        }
    }
    environment(&mut bot, &entries, paths);
    instances(&mut bot, &entries);
    policy(&mut bot, &entries);
    backoff(&mut bot, &entries);
    schedule(&mut bot, &entries);
    logs::translate(&mut bot, &entries, cwd.as_deref(), paths);
    entries.keep_rest(keys::OF_APPS, &mut bot);
    BotDraft { name, section: bot }
}

/// Translates `script`, `args` and `interpreter`.
fn command(bot: &mut Section, entries: &Entries<Value>, script: &str, cwd: Option<&str>, paths: &Paths) {
    let mut interpreter = None;
    for key in ["interpreter", "exec_interpreter"] {
        interpreter = interpreter.or(text(bot, entries, key));
    }
    let before: Vec<String> =
        ["interpreter_args", "node_args"].iter().flat_map(|key| list(bot, entries, key)).collect();
    let after = list(bot, entries, "args");
    if script.contains(char::is_whitespace) && interpreter.is_none() {
        // pm2 gives a script with spaces to a shell.
        let quoted: Vec<String> = after.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        return procfile::set_command(bot, [&[script.to_owned()][..], &quoted].concat().join(" ").trim());
    }
    let ending = Path::new(script).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let by_ending = INTERPRETERS.iter().find(|(known, _)| *known == ending).map(|(_, program)| (*program).to_owned());
    let interpreter = match interpreter.as_deref() {
        Some("none") => None,
        Some(program) if program.contains('/') && !program.starts_with(['/', '~']) => {
            Some(paths.join_to(cwd, &literal(program)))
        }
        Some(program) => Some(literal(program)),
        None => by_ending,
    };
    let is_bare = !script.contains('/') && ending.is_empty();
    let file = if is_bare { literal(script) } else { paths.join_to(cwd, &literal(script)) };
    let mut words: Vec<String> = interpreter.into_iter().collect();
    words.extend(before.iter().filter(|_| !words.is_empty()).map(|word| literal(word)).collect::<Vec<_>>());
    words.push(file);
    words.extend(after.iter().map(|word| literal(word)));
    let arguments = words.split_off(1);
    bot.set("command", TomlValue::expanded(words.remove(0)));
    if !arguments.is_empty() {
        bot.set("args", TomlValue::list(arguments));
    }
}

/// Translates `env` and `env_file`.
fn environment(bot: &mut Section, entries: &Entries<Value>, paths: &Paths) {
    if let Some(file) = text(bot, entries, "env_file") {
        bot.set("env_file", TomlValue::list([paths.join(&literal(&file))]));
    }
    let Some(entry) = entries.take("env") else { return };
    let Value::Object(variables) = &entry.value else { return entry.keep(bot, "not an object") };
    for (name, value) in variables {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null => continue,
            other => other.to_string(),
        };
        bot.set_variable(name, TomlValue::literal(&value));
    }
}

fn instances(bot: &mut Section, entries: &Entries<Value>) {
    let variable = text(bot, entries, "instance_var");
    let Some(entry) = entries.take("instances") else { return };
    let number = match &entry.value {
        Value::String(text) if text == "max" => Some(0),
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    let value = match number {
        Some(1) => return,
        Some(number) if number > 1 => TomlValue::Integer(number),
        Some(number) => {
            if number < 0 {
                entry.keep(bot, "one for each processor: there is no number less than that");
            }
            TomlValue::expanded("cpus")
        }
        None => return entry.keep(bot, "not a number"),
    };
    bot.set("instances", value);
    let variable = variable.unwrap_or_else(|| INSTANCE_VARIABLE.into());
    bot.set_variable(&variable, TomlValue::expanded("${INSTANCE}"));
    bot.keep(variable, 0, "it counts from 1 here, with pm2 from 0");
}

/// Translates the keys of restarts and stops.
fn policy(bot: &mut Section, entries: &Entries<Value>) {
    if let Some(entry) = entries.take("autorestart") {
        match entry.value.as_bool() {
            Some(true) => bot.set("restart", TomlValue::expanded("always")),
            Some(false) => bot.set("restart", TomlValue::expanded("never")),
            None => entry.keep(bot, "neither true nor false"),
        }
    }
    if let Some(entry) = entries.take("stop_exit_codes") {
        let codes = if let Value::Array(codes) = &entry.value { codes.clone() } else { vec![entry.value.clone()] };
        if codes.iter().any(|code| code.as_i64() == Some(0))
            && bot.get("restart") != Some(&TomlValue::expanded("never"))
        {
            bot.set("restart", TomlValue::expanded("on-failure"));
        }
        if codes.iter().any(|code| code.as_i64() != Some(0)) {
            entry.keep(bot, "every status but 0 is a failure");
        }
    }
    if let Some(entry) = entries.take("max_restarts") {
        match entry.value.as_u64().and_then(|number| number.try_into().ok()) {
            Some(restarts) => bot.set("limit", limits::within_retries(restarts, 1)),
            None => entry.keep(bot, "not a number"),
        }
    }
    if let Some(time) = time(bot, entries, "kill_timeout").filter(|time| time != "0s") {
        let stop = [("signal", TomlValue::expanded("INT")), ("timeout", TomlValue::expanded(time))];
        bot.set("stop", TomlValue::table(stop));
    }
    if let Some(time) = time(bot, entries, "listen_timeout").filter(|time| time != "0s") {
        bot.set("ready_timeout", TomlValue::expanded(time));
    }
    if let Some(entry) = entries.take("max_memory_restart") {
        let size = match &entry.value {
            Value::String(text) => units::size(text),
            other => other.as_u64().map(|bytes| format!("{bytes}B")),
        };
        match size {
            Some(size) => bot.set("memory_max", TomlValue::expanded(size)),
            None => entry.keep(bot, "not a size"),
        }
    }
}

/// Translates the delays of restarts.
fn backoff(bot: &mut Section, entries: &Entries<Value>) {
    let mut table = Vec::new();
    let delay = time(bot, entries, "restart_delay").filter(|time| time != "0s");
    let growing = time(bot, entries, "exp_backoff_restart_delay").filter(|time| time != "0s");
    let text = |key: &str, value: &str| (key.to_owned(), TomlValue::expanded(value));
    match (delay, growing) {
        (_, Some(first)) => {
            table.extend([text("first", &first), ("factor".into(), TomlValue::Number("1.5")), text("cap", "15s")]);
        }
        (Some(first), None) => {
            table.extend([text("first", &first), ("factor".into(), TomlValue::Integer(1)), text("cap", &first)]);
        }
        (None, None) => {}
    }
    table.extend(time(bot, entries, "min_uptime").map(|time| text("stable_after", &time)));
    if !table.is_empty() {
        bot.set("backoff", TomlValue::Table(table));
    }
}

/// Translates `cron_restart`.
fn schedule(bot: &mut Section, entries: &Entries<Value>) {
    for key in ["cron_restart", "cron"] {
        let Some(entry) = entries.take(key) else { continue };
        match &entry.value {
            Value::String(cron) if cron.split_whitespace().count() == 5 => {
                let action = ("action", TomlValue::expanded("restart"));
                bot.set("schedule", TomlValue::table([("cron", TomlValue::literal(cron.trim())), action]));
            }
            _ => entry.keep(bot, "not a time of five fields: write `schedule`"),
        }
    }
}
