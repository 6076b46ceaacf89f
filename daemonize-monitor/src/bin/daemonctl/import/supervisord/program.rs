//! Translates `[program:x]` and `[fcgi-program:x]`.

use super::super::document::{BotDraft, Section, TomlValue};
use super::super::ini::IniSection;
use super::super::keys::{Entries, Entry};
use super::super::limits;
use super::super::paths::Paths;
use super::super::units;
use super::super::words;
use super::expansions::{Expansions, ProcessNumber, uses_number};
use super::{environment, keys, logs};

/// The most bots that one program with numbers becomes.
const MAX_NUMBERED: u32 = 256;

/// Translates a program; one whose processes differ by their number becomes several bots.
pub(super) fn translate(program: &str, group: Option<&str>, section: &IniSection, paths: &Paths) -> Vec<BotDraft> {
    let entries = &section.entries;
    let mut first = Section::default();
    let count = number(&mut first, entries, "numprocs").unwrap_or(1).max(1);
    let start = number(&mut first, entries, "numprocs_start").unwrap_or(0);
    let name = entries.take("process_name").map_or("%(program_name)s", |entry| &entry.value);
    let group_name = group.unwrap_or(program);
    let values = |number| Expansions { program, group: group_name, number, count, here: &paths.directory };
    let numbered = |entry: &&Entry<String>| entry.key != "process_name" && uses_number(&entry.value);
    let plain_number = |entry: &Entry<String>| {
        let text = entry.value.replace("%(process_num)d", "").replace("%(process_num)s", "");
        !uses_number(&text)
    };
    let uses = entries.0.iter().any(|entry| numbered(&entry));
    let counts_alike = start == 1 && entries.0.iter().filter(numbered).all(plain_number);
    let group_key = group.map(ToOwned::to_owned);
    if count == 1 || !uses || counts_alike {
        let number = if count == 1 { ProcessNumber::Fixed(start) } else { ProcessNumber::Instance };
        let name =
            if count == 1 { unescaped(&values(number).expand(name).unwrap_or(program.into())) } else { program.into() };
        if count > 1 {
            first.set("instances", TomlValue::Integer(count.into()));
        }
        return vec![bot(name, first, group_key, entries, &values(number), paths)];
    }
    if count > MAX_NUMBERED {
        first.keep(format!("numprocs = {count}"), section.line, format!("only the first {MAX_NUMBERED} are written"));
    }
    let group_key = group_key.or(Some(program.to_owned()));
    (0..count.min(MAX_NUMBERED))
        .map(|index| {
            let values = values(ProcessNumber::Fixed(start.saturating_add(index)));
            let expanded = values.expand(name).unwrap_or_default();
            let name = if uses_number(name) { unescaped(&expanded) } else { format!("{program}_{index:02}") };
            let section = if index == 0 { first.clone() } else { Section::default() };
            bot(name, section, group_key.clone(), entries, &values, paths)
        })
        .collect()
}

/// Returns a name without the doubled dollar signs of a value.
fn unescaped(name: &str) -> String {
    name.replace("$$", "$")
}

fn bot(
    name: String,
    mut bot: Section,
    group: Option<String>,
    entries: &Entries<String>,
    values: &Expansions<'_>,
    paths: &Paths,
) -> BotDraft {
    let directory = text(&mut bot, entries, "directory", values).map(|path| paths.join(&path));
    command(&mut bot, entries, values, directory.as_deref(), paths);
    if let Some(directory) = directory {
        bot.set("cwd", TomlValue::expanded(directory));
    }
    if let Some(group) = group {
        bot.set("bot_group", TomlValue::literal(&group));
    }
    for key in ["user", "umask"] {
        if let Some(value) = text(&mut bot, entries, key, values) {
            bot.set(key, TomlValue::expanded(value));
        }
    }
    if let Some(entry) = entries.take("environment") {
        variables(&mut bot, entry, values);
    }
    policy(&mut bot, entries);
    logs::translate(&mut bot, entries, values, paths);
    entries.keep_rest(keys::OF_PROGRAMS, &mut bot);
    BotDraft { name, section: bot }
}

/// Translates `command`, and the `socket` of a `FastCGI` program.
fn command(
    bot: &mut Section,
    entries: &Entries<String>,
    values: &Expansions<'_>,
    directory: Option<&str>,
    paths: &Paths,
) {
    let Some(entry) = entries.take("command") else {
        return bot.keep("command", 0, "the program has none: write `command`");
    };
    let words = words::split(&entry.value).map(|found| found.words);
    let expanded = words.and_then(|words| words.iter().map(|word| values.expand(word)).collect::<Result<Vec<_>, _>>());
    let mut words = match expanded {
        Ok(words) if !words.is_empty() => words,
        Ok(_) => return entry.keep(bot, "it is empty"),
        Err(reason) => return entry.keep(bot, reason),
    };
    let is_relative = words[0].contains('/') && !words[0].starts_with(['/', '$', '~']);
    if is_relative {
        words[0] = paths.join_to(directory, &words[0]);
    }
    if let Some(socket) = entries.take("socket") {
        match address(&socket.value, values) {
            Ok(address) => {
                bot.set("listen", TomlValue::list([address]));
                // `FastCGI` programs want their socket as standard input; here it is the first descriptor after stderr.
                let shell = ["/bin/sh", "-c", "exec \"$$@\" <&3 3<&-", "sh"].map(str::to_owned);
                words = shell.into_iter().chain(words).collect();
            }
            Err(reason) => socket.keep(bot, reason),
        }
    }
    let arguments = words.split_off(1);
    // The program comes first in its table.
    bot.entries.insert(0, ("command".into(), TomlValue::expanded(words.remove(0))));
    if !arguments.is_empty() {
        bot.entries.insert(1, ("args".into(), TomlValue::list(arguments)));
    }
}

/// Returns the address of a `FastCGI` program's socket.
fn address(text: &str, values: &Expansions<'_>) -> Result<String, String> {
    let text = values.expand(text)?;
    match (text.strip_prefix("tcp://"), text.strip_prefix("unix://")) {
        (Some(address), _) => Ok(address.to_owned()),
        (_, Some(path)) => Ok(path.to_owned()),
        _ => Err("write `tcp://ADDRESS:PORT` or `unix://PATH`".into()),
    }
}

/// Translates `environment`.
pub(super) fn variables(section: &mut Section, entry: &Entry<String>, values: &Expansions<'_>) {
    let pairs = match environment::variables(&entry.value) {
        Ok(pairs) => pairs,
        Err(reason) => return entry.keep(section, reason),
    };
    for (name, value) in pairs {
        match values.expand(&value) {
            Ok(value) => section.set_variable(&name, TomlValue::expanded(value)),
            Err(reason) => section.keep(format!("environment {name}"), entry.line, reason),
        }
    }
}

/// Translates the keys of starts, restarts and stops.
fn policy(bot: &mut Section, entries: &Entries<String>) {
    if let Some(entry) = entries.take("autostart") {
        match units::truth(&entry.value) {
            Some(truth) => bot.set("autostart", TomlValue::Truth(truth)),
            None => entry.keep(bot, "neither true nor false"),
        }
    }
    let restart = entries.take("autorestart");
    let expects = |entry: &Entry<String>, status: &str| entry.value.split(',').any(|other| other.trim() == status);
    let statuses = entries.take("exitcodes");
    let unexpected = if statuses.is_none_or(|entry| expects(entry, "0")) { "on-failure" } else { "always" };
    match restart.map(|entry| (entry, entry.value.to_ascii_lowercase())) {
        None if unexpected == "always" => bot.set("restart", TomlValue::expanded(unexpected)),
        None => {}
        Some((_, word)) if word == "unexpected" => bot.set("restart", TomlValue::expanded(unexpected)),
        Some((entry, word)) => match units::truth(&word) {
            Some(true) => bot.set("restart", TomlValue::expanded("always")),
            Some(false) => bot.set("restart", TomlValue::expanded("never")),
            None => entry.keep(bot, "neither true, false nor unexpected"),
        },
    }
    if let Some(entry) = statuses.filter(|entry| entry.value.trim() != "0") {
        let reason = "every status but 0 is a failure, after which `restart = \"on-failure\"` starts it again";
        let other = "each end is a reason to start it again, also with one of these statuses";
        entry.keep(bot, if unexpected == "always" { other } else { reason });
    }
    let after = seconds(bot, entries, "startsecs");
    match after.as_deref() {
        Some("0s") => bot.set("ready", TomlValue::expanded("at-once")),
        Some(after) if after != "1s" => {
            bot.set("ready", TomlValue::table([("after", TomlValue::expanded(after))]));
        }
        _ => {}
    }
    if let Some(retries) = number(bot, entries, "startretries") {
        let seconds = after.as_deref().and_then(|after| after.strip_suffix('s')?.parse().ok()).unwrap_or(1);
        bot.set("limit", limits::within_retries(retries, seconds));
    }
    let signal = entries.take("stopsignal").and_then(|entry| {
        let signal = units::signal(&entry.value);
        if signal.is_none() {
            entry.keep(bot, "not a known signal");
        }
        signal
    });
    let timeout = seconds(bot, entries, "stopwaitsecs").filter(|timeout| timeout != "0s");
    stop(bot, signal, timeout);
}

/// Sets the step by which a bot is stopped.
fn stop(bot: &mut Section, signal: Option<String>, timeout: Option<String>) {
    let mut step = Vec::new();
    step.extend(signal.map(|signal| ("signal".to_owned(), TomlValue::expanded(signal))));
    step.extend(timeout.map(|timeout| ("timeout".to_owned(), TomlValue::expanded(timeout))));
    if !step.is_empty() {
        bot.set("stop", TomlValue::Table(step));
    }
}

/// Takes a text with its expansions.
pub(super) fn text(
    section: &mut Section,
    entries: &Entries<String>,
    key: &str,
    values: &Expansions<'_>,
) -> Option<String> {
    let entry = entries.take(key)?;
    match values.expand(&entry.value) {
        Ok(text) if !text.is_empty() => return Some(text),
        Ok(_) => entry.keep(section, "it is empty"),
        Err(reason) => entry.keep(section, reason),
    }
    None
}

fn number(section: &mut Section, entries: &Entries<String>, key: &str) -> Option<u32> {
    let entry = entries.take(key)?;
    let number = entry.value.parse().ok();
    if number.is_none() {
        entry.keep(section, "not a whole number");
    }
    number
}

fn seconds(section: &mut Section, entries: &Entries<String>, key: &str) -> Option<String> {
    let entry = entries.take(key)?;
    let seconds = units::seconds(&entry.value);
    if seconds.is_none() {
        entry.keep(section, "not a number of seconds");
    }
    seconds
}
