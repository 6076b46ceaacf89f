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
        let place = bot.elsewhere();
        let text = format!("`bot_group`: there is a bot `{group}`{place}: give the group another name");
        Some(Diagnostic { place: entry.place.clone(), text })
    };
    bots.iter().filter_map(wrong).collect()
}
