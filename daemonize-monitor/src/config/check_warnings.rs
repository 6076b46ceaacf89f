//! Warns of checks that are valid, but cannot do what they seem to.

use super::bot_entry::BotEntry;
use super::diagnostic::Diagnostic;
use crate::bot::{Bot, Check, Probe, Ready, Restart};
use std::time::Duration;

/// The shortest time from one check to the next that makes sense: each execution of a program takes milliseconds of a processor.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);

/// Returns what does not look right about the checks of the bots, although it is not a mistake.
pub(super) fn warnings(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let told = |described: &BotEntry| {
        let bot = &described.bot;
        let found = bot.check.as_deref().map(|check| problems(bot, check)).unwrap_or_default();
        let diagnostic = |text: String| Diagnostic {
            place: described.place.clone(),
            text: format!("bot `{}`: `check`: {text}", bot.name),
        };
        found.into_iter().map(diagnostic).collect::<Vec<_>>()
    };
    bots.iter().flat_map(told).collect()
}

fn problems(bot: &Bot, check: &Check) -> Vec<String> {
    let Check { probe, every, timeout, .. } = check;
    let mut found = Vec::new();
    if timeout > every {
        found.push(format!(
            "`timeout` ({timeout:?}) is longer than `every` ({every:?}): no check begins before the one before has ended: write a \
             shorter `timeout`"
        ));
    }
    if *every < SHORTEST_PERIOD {
        found.push(format!("a check every {every:?} takes much of a processor: write a longer `every`"));
    }
    if bot.ready == Ready::Exit {
        found.push("the bot is a job (`ready = \"exit\"`), which is never checked: remove it".to_owned());
    }
    if bot.restart == Restart::Never {
        found.push("a bot that fails it is stopped, and not started again: `restart` is \"never\"".to_owned());
    }
    let is_one_place =
        matches!(probe, Probe::Tcp(_)) && bot.as_read().iter().all(|bot| bot.check.as_deref() == Some(check));
    if is_one_place && bot.instances.is_some_and(|instances| instances > 1) {
        found.push(format!("all instances are checked by {probe}: write a port with ${{INSTANCE}}"));
    }
    found
}
