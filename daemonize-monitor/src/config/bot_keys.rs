//! Reads the keys of `[bot.NAME]`.

use super::diagnostic::Location;
use super::log_targets;
use super::migration_hints;
use super::source_text::SourceText;
use super::value::{Keys, Value, known_only};
use super::value_parsers;
use crate::bot::{self, Backoff, Bot, LARGEST_LIMIT, Limit, Ready, Restart, StopStep};
use crate::sys::account;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// The keys of `[bot.NAME]`.
pub(super) const KEYS: &[&str] = &[
    "command",
    "args",
    "env",
    "clear_env",
    "cwd",
    "user",
    "group",
    "umask",
    "no_new_privs",
    "autostart",
    "instances",
    "restart",
    "limit",
    "backoff",
    "stop",
    "depends_on",
    "ready",
    "ready_timeout",
    "stdout",
    "stderr",
];

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

/// The most instances of one bot.
const MAX_INSTANCES: u32 = 10_000;

/// A bot with the locations of its keys.
pub(super) struct BotEntry {
    pub(super) bot: Bot,
    /// The location of its name.
    pub(super) place: Location,
    /// Its dependencies, each with its location.
    pub(super) dependencies: Vec<(String, Location)>,
    /// The location of its command.
    pub(super) command: Location,
}

impl BotEntry {
    /// Creates an entry without locations, for a bot that a program has set.
    pub(super) fn from_program(bot: Bot) -> BotEntry {
        let place = Location::whole(Path::new(""));
        let dependencies = bot.depends_on.iter().map(|name| (name.clone(), place.clone())).collect();
        BotEntry { bot, place: place.clone(), dependencies, command: place }
    }
}

/// Reads `[bot.NAME]`; `None` if it is no table.
pub(super) fn read(value: Value<'_>) -> Option<BotEntry> {
    let place = value.key_place();
    let name = bot::check_name(value.key).unwrap_or_else(|wrong| {
        value.source.mistake(place.clone(), wrong);
        value.key.to_owned()
    });
    let values = value.table("a table, written as `[bot.NAME]`")?;
    let keys = known_only(values, KEYS, migration_hints::OF_A_BOT);
    let mut bot = Bot::new(name, "");
    let Some(command) = keys.get("command") else {
        let text = format!("bot `{}` has no program: write `command = \"/path/of/the/program\"`", value.key);
        value.source.mistake(place, text);
        return None;
    };
    keys.set("command", &mut bot.command, |value| value.program());
    process(&mut bot, &keys, value.source);
    policy(&mut bot, &keys);
    log_targets::read(&mut bot, &keys);
    let mut dependencies = Vec::new();
    keys.set("depends_on", &mut dependencies, |value| {
        let values = value.list("a list of bots, such as [\"db\"]")?;
        values.into_iter().map(|value| value.text().map(|name| (name.to_owned(), value.place()))).collect()
    });
    bot.depends_on = dependencies.iter().map(|(name, _)| name.clone()).collect();
    Some(BotEntry { bot, place, dependencies, command: command.place() })
}

/// Reads the keys of its process.
fn process(bot: &mut Bot, keys: &Keys<'_>, source: &SourceText<'_>) {
    keys.set("args", &mut bot.arguments, |value| {
        let values = value.list("a list of strings, such as [\"--port\", \"80\"]")?;
        values.into_iter().map(|value| value.expanded().map(OsString::from)).collect()
    });
    keys.set("env", &mut bot.environment, environment);
    keys.set("clear_env", &mut bot.clear_environment, |value| value.truth());
    bot.directory = source.working_directory();
    keys.set_some("cwd", &mut bot.directory, |value| value.path());
    keys.set_some("user", &mut bot.user, |value| account_name(value, "user", account::find_uid));
    keys.set_some("group", &mut bot.group, |value| account_name(value, "group", account::find_group));
    keys.set_some("umask", &mut bot.umask, |value| match value.octal() {
        Some(digits) => value_parsers::umask(&digits).map_or_else(|wrong| value.wrong(wrong), Some),
        None => value.parsed(value_parsers::umask, "octal digits in quotes, such as \"027\""),
    });
    keys.set_some("no_new_privs", &mut bot.no_new_privs, |value| value.truth());
    keys.set("autostart", &mut bot.autostart, |value| value.truth());
    keys.set_some("instances", &mut bot.instances, |value| value.integer(1..=MAX_INSTANCES));
}

fn environment(value: Value<'_>) -> Option<BTreeMap<OsString, OsString>> {
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

/// Reads the name of a user or group that exists on this machine, or a number.
fn account_name<T>(value: Value<'_>, what: &str, find: fn(&str) -> Result<T, String>) -> Option<String> {
    let name = value.expanded()?;
    if find(&name).is_ok() {
        return Some(name);
    }
    value.wrong(format!("there is no {what} {name:?} on this machine: write a name that `getent` finds, or a number"))
}

/// Reads the keys of restarts, stops and readiness.
fn policy(bot: &mut Bot, keys: &Keys<'_>) {
    keys.set("restart", &mut bot.restart, |value| value.parsed(restart, "\"always\", \"on-failure\" or \"never\""));
    keys.set("limit", &mut bot.limit, limit);
    keys.set("backoff", &mut bot.backoff, backoff);
    keys.set("stop", &mut bot.stop, stop);
    keys.set("ready", &mut bot.ready, ready);
    keys.set("ready_timeout", &mut bot.ready_timeout, |value| value.timeout());
}

fn restart(text: &str) -> Result<Restart, String> {
    match text {
        "always" => Ok(Restart::Always),
        "on-failure" => Ok(Restart::OnFailure),
        "never" => Ok(Restart::Never),
        _ => Err(format!("`{text}` is not known: write \"always\", \"on-failure\" or \"never\"")),
    }
}

fn limit(value: Value<'_>) -> Option<Limit> {
    let keys = value.keys(&["exits", "window"], &[])?;
    let mut limit = Limit::default();
    keys.set("exits", &mut limit.exits, |value| value.integer(0..=LARGEST_LIMIT));
    keys.set("window", &mut limit.window, |value| value.timeout());
    Some(limit)
}

fn backoff(value: Value<'_>) -> Option<Backoff> {
    let keys = value.keys(&["first", "factor", "cap", "jitter", "stable_after"], &[])?;
    let mut backoff = Backoff::default();
    keys.set("first", &mut backoff.first, |value| value.wait());
    keys.set("factor", &mut backoff.factor, |value| value.number(1.0..=100.0));
    keys.set("cap", &mut backoff.cap, |value| value.wait());
    keys.set("jitter", &mut backoff.jitter, |value| value.number(0.0..=1.0));
    keys.set("stable_after", &mut backoff.stable_after, |value| value.wait());
    if backoff.first > backoff.cap {
        return value.wrong("`first` is longer than `cap`: write a longer `cap`");
    }
    Some(backoff)
}

fn stop(value: Value<'_>) -> Option<Vec<StopStep>> {
    let steps = if value.is_list() { value.list("a list")? } else { vec![value] };
    if steps.is_empty() {
        return value.wrong("it has no step: write { signal = \"TERM\", timeout = \"10s\" }");
    }
    steps.into_iter().map(stop_step).collect()
}

fn stop_step(value: Value<'_>) -> Option<StopStep> {
    let keys = value.keys(&["signal", "timeout"], &[])?;
    let mut step = Bot::new("", "").stop.remove(0);
    let signal = |text: &str| {
        text.parse().map_err(|_| format!("`{text}` is not a known signal: write a name, such as \"TERM\""))
    };
    keys.set("signal", &mut step.signal, |value| value.parsed(signal, "the name of a signal, such as \"TERM\""));
    keys.set("timeout", &mut step.timeout, |value| value.timeout());
    Some(step)
}

fn ready(value: Value<'_>) -> Option<Ready> {
    if value.is_text() {
        return value.parsed(ready_word, "");
    }
    let values = value.table("\"notify\", \"exit\", or a table such as { tcp = \"127.0.0.1:80\" }")?;
    let keys = known_only(values, &["tcp", "file", "output", "after"], &[]);
    let tcp = keys.get("tcp").map(|value| {
        value.parsed(value_parsers::address, "an address and port, such as \"127.0.0.1:80\"").map(Ready::Tcp)
    });
    let file = keys.get("file").map(|value| value.path().map(Ready::File));
    let output = keys.get("output").map(|value| match value.text()? {
        "" => value.wrong("it is in every line: write a part of the line that says it is ready"),
        text => Some(Ready::Output(text.to_owned())),
    });
    let after = keys.get("after").map(|value| value.wait().map(Ready::After));
    let mut said = [tcp, file, output, after].into_iter().flatten();
    match (said.next(), said.next()) {
        (Some(one), None) => one,
        _ => value.wrong("expected one of `tcp`, `file`, `output` and `after`"),
    }
}

fn ready_word(text: &str) -> Result<Ready, String> {
    match text {
        "at-once" => Ok(Ready::AtOnce),
        "notify" => Ok(Ready::Notify),
        "exit" => Ok(Ready::Exit),
        _ => Err(format!(
            "`{text}` is not known: write \"at-once\", \"notify\", \"exit\", or a table such as {{ tcp = \"127.0.0.1:80\" }}"
        )),
    }
}
