//! Finds addresses on which two bots are to listen.

use super::bot_entry::BotEntry;
use super::diagnostic::Diagnostic;
use crate::bot::ListenAddress;
use std::collections::BTreeMap;

/// Returns an error for each address of two bots. Instances of one bot share their sockets.
pub(super) fn check(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<_, Vec<(&ListenAddress, &str)>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for described in bots {
        let family = described.bot.family();
        for address in described.bot.as_read().iter().flat_map(|bot| &bot.listen) {
            let group = seen.entry(address.group()).or_default();
            let text = match group.iter().find(|(other, _)| other.is_same_place(address)) {
                Some((other, owner)) if *owner != family => format!(
                    "bots `{owner}` and `{family}` listen on `{other}` and `{address}`: give each an address of its own"
                ),
                Some((other, _)) if *other != address => {
                    format!("the instances of bot `{family}` differ in how they listen on `{address}`: write it once")
                }
                Some(_) => continue,
                None => {
                    group.push((address, family));
                    continue;
                }
            };
            mistakes.push(Diagnostic { place: described.place.clone(), text });
        }
    }
    mistakes
}
