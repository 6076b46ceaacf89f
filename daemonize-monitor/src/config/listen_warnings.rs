//! Warns of probes of an address on which the monitor itself listens: its socket accepts connections, whatever the program does.

use super::bot_entry::BotEntry;
use super::diagnostic::Diagnostic;
use crate::bot::{Bot, ListenAddress, Probe, Ready};
use std::net::SocketAddr;

/// Returns what does not look right about bots with `listen`, although it is not a mistake.
pub(super) fn warnings(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let told = |described: &BotEntry| {
        let problems = described.bot.as_read().iter().flat_map(problems);
        let diagnostic = |text: String| Diagnostic { place: described.place.clone(), text };
        problems.map(diagnostic).collect::<Vec<_>>()
    };
    let mut warnings: Vec<Diagnostic> = bots.iter().flat_map(told).collect();
    warnings.dedup();
    warnings
}

fn problems(bot: &Bot) -> Vec<String> {
    let (name, mut found) = (bot.family(), Vec::new());
    let is_held = |address: &SocketAddr| bot.listen.contains(&ListenAddress::Tcp(*address));
    if let Ready::Tcp(address) = &bot.ready {
        if is_held(address) {
            found.push(format!(
                "bot `{name}`: `ready`: the monitor listens on `{address}`, which accepts before the program does: write \
                 \"notify\", or an `output`"
            ));
        }
    }
    if let Some(Probe::Tcp(address)) = bot.check.as_deref().map(|check| &check.probe) {
        if is_held(address) {
            found.push(format!(
                "bot `{name}`: `check`: the monitor listens on `{address}`, which accepts also when the program hangs: write `http`"
            ));
        }
    }
    found
}
