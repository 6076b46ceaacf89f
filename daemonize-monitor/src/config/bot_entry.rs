//! Reads the table of a bot: with the keys of `[defaults]`, and once for each instance if it uses `${INSTANCE}`.

use super::bot_keys::{BotKeys, KEYS, read_keys};
use crate::bot::{self, Bot};
use crate::config::diagnostic::Location;
use crate::config::migration_hints;
use crate::config::value::{Hints, Keys, Value, known_only};
use std::path::Path;

/// The keys of a bot that `[defaults]` may not say.
const NOT_IN_DEFAULTS: Hints = &[
    ("command", "each bot says its own: write it in `[bot.NAME]`"),
    ("depends_on", "each bot says its own: write it in `[bot.NAME]`"),
    ("listen", "an address belongs to one bot: write it in `[bot.NAME]`"),
];

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

/// Reads `[bot.NAME]`, and what `[defaults]` says for it; `None` if it is no table.
pub(super) fn read(value: Value<'_>, defaults: Option<Value<'_>>) -> Option<BotEntry> {
    let place = value.key_place();
    let name = bot::check_bot_name(value.key).unwrap_or_else(|wrong| {
        value.source.mistake(place.clone(), wrong);
        value.key.to_owned()
    });
    let values = value.table("a table, written as `[bot.NAME]`")?;
    let keys = known_only(values, KEYS, migration_hints::OF_A_BOT).with_defaults(defaults.map(default_keys));
    let Some(command) = keys.get("command") else {
        let text = format!("bot `{}` has no program: write `command = \"/path/of/the/program\"`", value.key);
        value.source.mistake(place, text);
        // Its other mistakes are reported as well.
        read_instances(&name, &keys, &value);
        return None;
    };
    let BotKeys { bot, mut dependencies, .. } = read_instances(&name, &keys, &value);
    dependencies.dedup();
    Some(BotEntry { bot, place, dependencies, command: command.place() })
}

/// Reports the mistakes in `[defaults]`, also if no bot uses a key.
pub(super) fn check_defaults(value: Value<'_>) {
    let keys = default_keys(value);
    value.source.variables.set_instance(Some(1));
    read_keys("defaults", &keys, value.source);
    value.source.variables.set_instance(None);
}

/// Returns `true` for a key that `[defaults]` may say.
pub(super) fn is_in_defaults(key: &str) -> bool {
    NOT_IN_DEFAULTS.iter().all(|(not, _)| *not != key)
}

fn default_keys(value: Value<'_>) -> Keys<'_> {
    let known: Vec<&str> = KEYS.iter().copied().filter(|key| is_in_defaults(key)).collect();
    let values = value.table("a table, written as `[defaults]`").unwrap_or_default();
    known_only(values, &known, NOT_IN_DEFAULTS)
}

/// Reads the keys of a bot: once, and if the first instance uses its number, for each further one as well.
fn read_instances(name: &str, keys: &Keys<'_>, value: &Value<'_>) -> BotKeys {
    let (source, variables) = (value.source, &value.source.variables);
    let (mistakes, uses) = (source.mistakes().borrow().len(), variables.instance_uses());
    variables.set_instance(keys.get("instances").map(|_| 1));
    let mut family = read_keys(name, keys, source);
    let is_right = source.mistakes().borrow().len() == mistakes;
    if let Some(count) = family.bot.instances.filter(|_| is_right && variables.instance_uses() != uses) {
        let mut units = Vec::new();
        for number in 1..=count {
            variables.set_instance(Some(number));
            let BotKeys { bot, dependencies, has_own_logs } = read_keys(name, keys, source);
            family.dependencies.extend(dependencies);
            units.push(bot.into_instance(number, has_own_logs));
            if source.mistakes().borrow().len() != mistakes {
                break; // Each further instance would repeat them.
            }
        }
        family.bot.instance_bots = Some(units.into());
    }
    variables.set_instance(None);
    family
}
