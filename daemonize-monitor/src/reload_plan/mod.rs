//! The plan of a reload: the difference between the running configuration and the new one.

mod diff;
#[cfg(test)]
mod tests;

use crate::bot::Bot;
use crate::settings::Settings;
pub(crate) use diff::restarting;
use diff::{live, settings};
use std::collections::BTreeMap;
use std::fmt;

/// An existing bot with its new specification and the keys that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedBot {
    /// The new specification.
    pub bot: Bot,
    /// The keys that changed, named as in a configuration.
    pub keys: Vec<&'static str>,
}

/// The changes that a reload makes. Creating a plan changes nothing.
///
/// Each instance is a bot of its own, so that a further instance does not affect the others. `Display` prints one line for each bot
/// that changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReloadPlan {
    /// New bots. Each is started if it has `autostart`.
    pub added: Vec<Bot>,
    /// Bots that are no longer configured. Each is stopped and removed.
    pub removed: Vec<Bot>,
    /// Bots that are restarted with the new specification.
    pub restarted: Vec<ChangedBot>,
    /// Bots that keep running, to which the new specification applies at once.
    pub changed_live: Vec<ChangedBot>,
    /// The names of bots that do not change.
    pub untouched: Vec<String>,
    /// Changed settings of the monitor that take effect at once.
    pub settings: Vec<&'static str>,
    /// Changed settings of the monitor that take effect when it is restarted.
    pub settings_later: Vec<&'static str>,
}

impl ReloadPlan {
    /// Returns the difference between two configurations.
    pub fn between(old: (&Settings, &[Bot]), new: (&Settings, &[Bot])) -> ReloadPlan {
        let units = |bots: &[Bot]| bots.iter().flat_map(Bot::units).collect::<Vec<_>>();
        let (old_units, new_units) = (units(old.1), units(new.1));
        ReloadPlan::between_units((old.0, old_units.iter()), (new.0, new_units.iter()), |_| None)
    }

    /// Returns the difference between two sets of bots whose instances are already expanded. `running` returns the specification with
    /// which the process of a bot was started, where that is not the old one: a rolling restart may have been stopped before it.
    pub(crate) fn between_units<'a>(
        old: (&Settings, impl Iterator<Item = &'a Bot> + Clone),
        new: (&Settings, impl Iterator<Item = &'a Bot>),
        running: impl Fn(&str) -> Option<&'a Bot>,
    ) -> ReloadPlan {
        let (settings, settings_later) = settings(old.0, new.0);
        let mut plan = ReloadPlan { settings, settings_later, ..ReloadPlan::default() };
        let mut before: BTreeMap<&str, &Bot> = old.1.clone().map(|bot| (&*bot.name, bot)).collect();
        for bot in new.1 {
            match before.remove(&*bot.name) {
                Some(old) => plan.change(old, running(&bot.name).unwrap_or(old), bot),
                None => plan.added.push(bot.clone()),
            }
        }
        plan.removed = old.1.filter(|bot| before.contains_key(&*bot.name)).cloned().collect();
        plan
    }

    /// Returns `true` if nothing changes.
    pub fn is_empty(&self) -> bool {
        let changes = self.added.len() + self.removed.len() + self.restarted.len() + self.changed_live.len();
        changes + self.settings.len() + self.settings_later.len() == 0
    }

    fn change(&mut self, old: &Bot, running: &Bot, bot: &Bot) {
        let restarting = restarting(running, bot);
        let live = live(old, bot);
        if !restarting.is_empty() {
            self.restarted.push(ChangedBot { bot: bot.clone(), keys: restarting });
        } else if !live.is_empty() {
            self.changed_live.push(ChangedBot { bot: bot.clone(), keys: live });
        } else {
            self.untouched.push(bot.name.clone());
        }
    }
}

impl fmt::Display for ReloadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bot in &self.removed {
            writeln!(f, "stop     {}: it is not in the configuration any more", bot.name)?;
        }
        for ChangedBot { bot, keys } in &self.restarted {
            writeln!(f, "restart  {}: {} changed", bot.name, keys.join(", "))?;
        }
        for ChangedBot { bot, keys } in &self.changed_live {
            writeln!(f, "change   {}: {}; it runs on", bot.name, keys.join(", "))?;
        }
        for bot in &self.added {
            let (verb, why) = if bot.autostart { ("start", "") } else { ("add", ", and is started by a command only") };
            writeln!(f, "{verb:8} {}: it is new{why}", bot.name)?;
        }
        for key in &self.settings {
            writeln!(f, "change   the monitor: {key}")?;
        }
        for key in &self.settings_later {
            writeln!(f, "later    the monitor: {key} changes when the monitor is shut down and started again")?;
        }
        let untouched = self.untouched.len();
        writeln!(f, "{untouched} {} left as {}", bots(untouched), if untouched == 1 { "it is" } else { "they are" })
    }
}

fn bots(count: usize) -> &'static str {
    if count == 1 { "bot is" } else { "bots are" }
}
