//! Validates that no group of bots has the name of a bot: commands would not know which one is meant.

use super::bot_entry::BotEntry;
use super::diagnostic::Diagnostic;
use std::collections::HashMap;

/// Returns an error for each bot whose group is called as a bot is.
pub(super) fn check(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let places: HashMap<&str, _> = bots.iter().map(|entry| (&*entry.bot.name, &entry.place)).collect();
    let wrong = |entry: &BotEntry| {
        let group = entry.bot.bot_group.as_deref()?;
        let bot = places.get(group)?;
        let where_else = if bot.is_nowhere() { String::new() } else { format!(", at {bot}") };
        let text = format!("`bot_group`: there is a bot `{group}`{where_else}: give the group another name");
        Some(Diagnostic { place: entry.place.clone(), text })
    };
    bots.iter().filter_map(wrong).collect()
}
