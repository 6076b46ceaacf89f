//! The JSON schema of a configuration, by which editors complete and check it.
//!
//! Its keys are those that the readers know ([`bot_keys::KEYS`] and others); the shapes of their values are here.

mod bot_schema;
mod monitor_schema;
mod shapes;

use super::bot_entry::is_in_defaults;
use super::bot_keys;
use super::monitor_keys;
use serde_json::{Value, json};
use shapes::{described, list, table, table_of, text};

/// Returns the JSON schema (draft 7) of a configuration.
pub(crate) fn document() -> Value {
    let of_bot = |key: &&'static str| (*key, bot_schema::of_key(key).unwrap_or(Value::Bool(true)));
    let of_monitor = |key: &&'static str| (*key, monitor_schema::of_key(key).unwrap_or(Value::Bool(true)));
    let bot = table(bot_keys::KEYS.iter().map(of_bot));
    let defaults = table(bot_keys::KEYS.iter().filter(|key| is_in_defaults(key)).map(of_bot));
    let monitor = table(monitor_keys::KEYS.iter().map(of_monitor));
    let mut document = table([
        ("include", described(list(&text()), "Patterns of files with further bots, such as \"bots.d/*.toml\".")),
        ("monitor", described(monitor, "The monitor itself.")),
        ("defaults", described(defaults, "The keys of all bots that do not say them.")),
        ("bot", described(table_of(&bot), "The bots: a table [bot.NAME] for each.")),
    ]);
    document["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    document["title"] = "Configuration of daemonctl".into();
    document["properties"]["bot"]["additionalProperties"]["required"] = json!(["command"]);
    document
}
