//! Reads the keys of the process of a bot.

use crate::bot::Bot;
use crate::config::source_text::SourceText;
use crate::config::value::{Keys, Value};
use crate::config::value_parsers;
use crate::error::cause;
use crate::sys::account;
use std::ffi::OsString;
use std::ops::RangeInclusive;

/// The numbers of instances that one bot may have.
const INSTANCES: RangeInclusive<u32> = 1..=10_000;

/// Reads the keys of its process.
pub(super) fn read(bot: &mut Bot, keys: &Keys<'_>, source: &SourceText<'_>) {
    keys.set("args", &mut bot.arguments, |value| {
        let values = value.list("a list of strings, such as [\"--port\", \"80\"]")?;
        values.into_iter().map(|value| value.expanded().map(OsString::from)).collect()
    });
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
    keys.set_some("instances", &mut bot.instances, instances);
}

/// Reads the number of instances, or `"cpus"`: one for each processor that this process may use, by its affinity and cgroup.
fn instances(value: Value<'_>) -> Option<u32> {
    if !value.is_text() {
        return value.integer(INSTANCES);
    }
    let variables = &value.source.variables;
    let uses = variables.instance_uses();
    let text = value.text()?;
    if variables.instance_uses() != uses {
        return value.wrong("the number of an instance does not say how many there are: write a number");
    }
    match std::thread::available_parallelism() {
        _ if text != "cpus" && value.has_variable() => value.integer(INSTANCES),
        _ if text != "cpus" => value.wrong(format!("`{text}` is not known: write a whole number, or \"cpus\"")),
        Ok(count) => u32::try_from(count.get()).ok().map(|count| count.min(*INSTANCES.end())),
        Err(error) => value.wrong(format!("failed to count the processors: {}: write a number", cause(&error))),
    }
}

/// Reads the name of a user or group that exists on this machine, or a number.
fn account_name<T>(value: Value<'_>, what: &str, find: fn(&str) -> Result<T, String>) -> Option<String> {
    let name = value.expanded()?;
    if find(&name).is_ok() {
        return Some(name);
    }
    value.wrong(format!("there is no {what} {name:?} on this machine: write a name that `getent` finds, or a number"))
}
