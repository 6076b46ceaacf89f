//! Gives each bot a name that is allowed and not taken.

use super::document::{BotDraft, Document, TomlValue};
use daemonize_sys::escape::escape;
use std::collections::HashSet;

/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A name that means all bots.
const ALL: &str = "all";

/// Returns the allowed name that is most similar to a text.
pub(super) fn allowed(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.+@".contains(letter);
    let mut name: String = text.trim().chars().map(|letter| if plain(letter) { letter } else { '-' }).collect();
    while name.starts_with(|letter: char| !letter.is_alphanumeric()) {
        name.remove(0);
    }
    truncate(&mut name, MAX_NAME_BYTES);
    if name.is_empty() { "bot".into() } else { name }
}

fn truncate(name: &mut String, most: usize) {
    while name.len() > most {
        name.pop();
    }
}

/// Renames bots whose names are not allowed or taken, and groups that have the name of a bot.
pub(super) fn settle(document: &mut Document) {
    let mut taken = HashSet::from([ALL.to_owned()]);
    let mut notes = Vec::new();
    for bot in &mut document.bots {
        let name = unique(&allowed(&bot.name), &taken);
        if name != bot.name {
            notes.push(format!("`{}` is called `{name}` here", escape(&bot.name)));
        }
        taken.insert(name.clone());
        bot.name = name;
    }
    let groups: HashSet<String> = document.bots.iter().filter_map(group).collect();
    for group_name in groups {
        let name = unique(&allowed(&group_name), &taken);
        if name == group_name {
            continue;
        }
        notes.push(format!("the group `{}` is called `{name}` here", escape(&group_name)));
        for bot in document.bots.iter_mut().filter(|bot| group(bot).as_ref() == Some(&group_name)) {
            bot.section.set("bot_group", TomlValue::Text(name.clone()));
        }
        taken.insert(name);
    }
    notes.sort();
    document.notes.extend(notes);
}

/// Returns the group of a bot, as the source writes it.
fn group(bot: &BotDraft) -> Option<String> {
    match bot.section.get("bot_group") {
        Some(TomlValue::Text(group)) => Some(group.replace("$$", "$")),
        _ => None,
    }
}

/// Returns `name`, with a number if it is taken.
fn unique(name: &str, taken: &HashSet<String>) -> String {
    let numbered = (2..).map(|number| {
        let (mut start, ending) = (name.to_owned(), format!("-{number}"));
        truncate(&mut start, MAX_NAME_BYTES - ending.len());
        start + &ending
    });
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::document::Section;

    #[test]
    fn names_become_allowed_and_unique() {
        for (text, expected) in [("web", "web"), ("my app/é", "my-app-é"), ("-_x", "x"), ("", "bot"), ("/", "bot")] {
            assert_eq!(allowed(text), expected, "{text:?}");
        }
        assert_eq!(allowed(&"é".repeat(40)).len(), 64);
        let long = "x".repeat(70);
        let bots =
            ["web", "all", "web", &long, &long].map(|name| BotDraft { name: name.into(), section: Section::default() });
        let mut document = Document { bots: bots.to_vec(), ..Document::default() };
        document.bots[1].section.set("bot_group", TomlValue::literal("web"));
        settle(&mut document);
        let names: Vec<&str> = document.bots.iter().map(|bot| &*bot.name).collect();
        assert_eq!(&names[..3], ["web", "all-2", "web-2"]);
        assert_eq!((names[3].len(), names[4].len(), names[3] == names[4]), (64, 64, false));
        assert_eq!(group(&document.bots[1]).as_deref(), Some("web-3"));
        assert_eq!(document.notes.len(), 5);
    }
}
