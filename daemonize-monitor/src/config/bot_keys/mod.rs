//! Reads the keys of `[bot.NAME]`.

mod hooks;
mod listen;
mod policy;
mod process;
mod ready;
mod resource_permissions;
mod resources;
mod schedule;

use crate::bot::{self, Bot};
use crate::config::diagnostic::Location;
use crate::config::log_targets;
use crate::config::migration_hints;
use crate::config::value::{Value, known_only};
use std::path::Path;

/// The keys of `[bot.NAME]`.
pub(in crate::config) const KEYS: &[&str] = &[
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
    "listen",
    "stdout",
    "stderr",
    "bot_group",
    "schedule",
    "on_exit",
    "on_gave_up",
    "on_unhealthy",
    "hook_timeout",
    "memory_max",
    "nice",
    "rlimits",
    "oom_score_adjust",
    "cgroup",
];

/// A bot with the locations of its keys.
pub(in crate::config) struct BotEntry {
    pub(in crate::config) bot: Bot,
    /// The location of its name.
    pub(in crate::config) place: Location,
    /// Its dependencies, each with its location.
    pub(in crate::config) dependencies: Vec<(String, Location)>,
    /// The location of its command.
    pub(in crate::config) command: Location,
}

impl BotEntry {
    /// Creates an entry without locations, for a bot that a program has set.
    pub(in crate::config) fn from_program(bot: Bot) -> BotEntry {
        let place = Location::whole(Path::new(""));
        let dependencies = bot.depends_on.iter().map(|name| (name.clone(), place.clone())).collect();
        BotEntry { bot, place: place.clone(), dependencies, command: place }
    }
}

/// Reads `[bot.NAME]`; `None` if it is no table.
pub(in crate::config) fn read(value: Value<'_>) -> Option<BotEntry> {
    let place = value.key_place();
    let name = bot::check_bot_name(value.key).unwrap_or_else(|wrong| {
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
    process::read(&mut bot, &keys, value.source);
    policy::read(&mut bot, &keys);
    keys.set("listen", &mut bot.listen, listen::read);
    log_targets::read(&mut bot, &keys);
    keys.set_some("bot_group", &mut bot.bot_group, |value| value.parsed(bot::check_bot_name, "the name of a group"));
    keys.set_some("schedule", &mut bot.schedule, |value| schedule::read(value).map(Box::new));
    hooks::read(&mut bot, &keys);
    resources::read(&mut bot, &keys);
    let mut dependencies = Vec::new();
    keys.set("depends_on", &mut dependencies, |value| {
        let values = value.list("a list of bots, such as [\"db\"]")?;
        values.into_iter().map(|value| value.expanded().map(|name| (name, value.place()))).collect()
    });
    bot.depends_on = dependencies.iter().map(|(name, _)| name.clone()).collect();
    Some(BotEntry { bot, place, dependencies, command: command.place() })
}
