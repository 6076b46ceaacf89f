//! Reads the keys of `[bot.NAME]`.

mod check;
mod environment;
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
use crate::config::source_text::SourceText;
use crate::config::value::Keys;

/// The keys of `[bot.NAME]`.
pub(in crate::config) const KEYS: &[&str] = &[
    "command",
    "args",
    "env",
    "env_file",
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
    "check",
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

/// A bot as its keys describe it.
pub(in crate::config) struct BotKeys {
    pub(in crate::config) bot: Bot,
    /// Its dependencies, each with its location.
    pub(in crate::config) dependencies: Vec<(String, Location)>,
    /// `true` for each of stdout and stderr that goes to a file whose path names the instance.
    pub(in crate::config) has_own_logs: [bool; 2],
}

/// Reads the keys of a bot, or of one instance of it.
pub(in crate::config) fn read_keys(name: &str, keys: &Keys<'_>, source: &SourceText<'_>) -> BotKeys {
    let mut bot = Bot::new(name, "");
    keys.set("command", &mut bot.command, |value| value.program());
    bot.environment = environment::read(keys);
    process::read(&mut bot, keys, source);
    policy::read(&mut bot, keys);
    keys.set("listen", &mut bot.listen, listen::read);
    let has_own_logs = log_targets::read(&mut bot, keys, &source.variables);
    keys.set_some("bot_group", &mut bot.bot_group, |value| value.parsed(bot::check_bot_name, "the name of a group"));
    schedule::read(&mut bot, keys);
    hooks::read(&mut bot, keys);
    resources::read(&mut bot, keys);
    let mut dependencies = Vec::new();
    keys.set("depends_on", &mut dependencies, |value| {
        let values = value.list("a list of bots, such as [\"db\"]")?;
        values.into_iter().map(|value| value.expanded().map(|name| (name, value.place()))).collect()
    });
    bot.depends_on = dependencies.iter().map(|(name, _)| name.clone()).collect();
    BotKeys { bot, dependencies, has_own_logs }
}
