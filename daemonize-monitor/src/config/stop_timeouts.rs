//! Warns of a `stop_timeout` of the monitor that is shorter than the stops of its bots.

use super::bot_entry::BotEntry;
use super::diagnostic::Diagnostic;
use std::collections::HashMap;
use std::time::Duration;

/// Returns a warning for each bot that a shutdown of the monitor, which takes at most `limit`, may kill before its steps are
/// over: by itself, or because of bots that depend on it and are stopped before it. Of those only the first one on each
/// way down is reported. There must be no cycle.
pub(super) fn check(bots: &[BotEntry], limit: Duration) -> Vec<Diagnostic> {
    let before = times_before(bots);
    let told = |(described, before): (&BotEntry, Duration)| {
        let (bot, own) = (&described.bot, described.bot.longest_stop());
        let text = if own > limit {
            format!(
                "bot `{}`: its `stop` may take {own:?}, longer than the `stop_timeout` of the monitor ({limit:?}): a shutdown \
                 would kill it before that: write a longer `stop_timeout`",
                bot.name
            )
        } else if before <= limit && before.saturating_add(own) > limit {
            format!(
                "bot `{}`: its `stop`, and before it that of those that depend on it, may take {:?}, longer than the \
                 `stop_timeout` of the monitor ({limit:?}): a shutdown may kill it before that: write a longer `stop_timeout`",
                bot.name,
                before.saturating_add(own)
            )
        } else {
            return None;
        };
        Some(Diagnostic { place: described.place.clone(), text })
    };
    bots.iter().zip(before).filter_map(told).collect()
}

/// Returns for each bot how long it may take until all are down that depend on it.
fn times_before(bots: &[BotEntry]) -> Vec<Duration> {
    let numbers: HashMap<&str, usize> = bots.iter().enumerate().map(|(index, bot)| (&*bot.bot.name, index)).collect();
    let below: Vec<Vec<usize>> = bots
        .iter()
        .map(|bot| bot.dependencies.iter().filter_map(|(name, _)| numbers.get(&**name).copied()).collect())
        .collect();
    let mut above = vec![0_usize; bots.len()];
    for bot in below.iter().flatten() {
        above[*bot] += 1;
    }
    let mut before = vec![Duration::ZERO; bots.len()];
    // From the top down: a bot follows when all that depend on it have been looked at.
    let mut next: Vec<usize> = (0..bots.len()).filter(|bot| above[*bot] == 0).collect();
    while let Some(bot) = next.pop() {
        let down = before[bot].saturating_add(bots[bot].bot.longest_stop());
        for other in below[bot].iter().copied() {
            before[other] = before[other].max(down);
            above[other] -= 1;
            if above[other] == 0 {
                next.push(other);
            }
        }
    }
    before
}
