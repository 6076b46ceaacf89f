//! What a reload would do: the difference between the bots that are and the bots that shall be.

mod diff;
#[cfg(test)]
mod tests;

use crate::bot::Bot;
use crate::settings::Settings;
use diff::{live, restarting, settings};
use std::collections::BTreeMap;
use std::fmt;

/// A bot that is there already, as it shall be, and the keys that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// As it shall be.
    pub bot: Bot,
    /// What is different, as it is called in a configuration.
    pub keys: Vec<&'static str>,
}

/// What a reload does. Nothing was done yet.
///
/// It speaks of what really runs: instances are bots of their own, so that one more of them touches none of the others.
/// `Display` prints it for people, one line for each bot that is not left as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Not there yet: each is started, unless its `autostart` is off.
    pub added: Vec<Bot>,
    /// There no more: each is stopped and forgotten.
    pub removed: Vec<Bot>,
    /// Each is stopped, and started again as what it shall be.
    pub restarted: Vec<Changed>,
    /// Each runs on; from now on it is treated as its new specification says.
    pub changed_live: Vec<Changed>,
    /// The names of those that are left as they are.
    pub untouched: Vec<String>,
    /// What changed in the settings of the monitor and takes effect at once.
    pub settings: Vec<&'static str>,
    /// What changed in them and takes effect when the monitor itself is restarted.
    pub settings_later: Vec<&'static str>,
}

impl Plan {
    /// The difference between two configurations.
    pub fn between(old: (&Settings, &[Bot]), new: (&Settings, &[Bot])) -> Plan {
        let units = |bots: &[Bot]| bots.iter().flat_map(Bot::units).collect::<Vec<_>>();
        let (old_units, new_units) = (units(old.1), units(new.1));
        Plan::between_units((old.0, old_units.iter()), (new.0, new_units.iter()))
    }

    /// The same of what really runs: instances are bots of their own.
    pub(crate) fn between_units<'a>(
        old: (&Settings, impl Iterator<Item = &'a Bot> + Clone),
        new: (&Settings, impl Iterator<Item = &'a Bot>),
    ) -> Plan {
        let (settings, settings_later) = settings(old.0, new.0);
        let mut plan = Plan { settings, settings_later, ..Plan::default() };
        let mut before: BTreeMap<&str, &Bot> = old.1.clone().map(|bot| (&*bot.name, bot)).collect();
        for bot in new.1 {
            match before.remove(&*bot.name) {
                Some(old) => plan.change(old, bot),
                None => plan.added.push(bot.clone()),
            }
        }
        plan.removed = old.1.filter(|bot| before.contains_key(&*bot.name)).cloned().collect();
        plan
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let changes = self.added.len() + self.removed.len() + self.restarted.len() + self.changed_live.len();
        changes + self.settings.len() + self.settings_later.len() == 0
    }

    fn change(&mut self, old: &Bot, bot: &Bot) {
        let restarting = restarting(old, bot);
        let live = live(old, bot);
        if !restarting.is_empty() {
            self.restarted.push(Changed { bot: bot.clone(), keys: restarting });
        } else if !live.is_empty() {
            self.changed_live.push(Changed { bot: bot.clone(), keys: live });
        } else {
            self.untouched.push(bot.name.clone());
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bot in &self.removed {
            writeln!(f, "stop     {}: it is not in the configuration any more", bot.name)?;
        }
        for Changed { bot, keys } in &self.restarted {
            writeln!(f, "restart  {}: {} changed", bot.name, keys.join(", "))?;
        }
        for Changed { bot, keys } in &self.changed_live {
            writeln!(f, "change   {}: {}; it runs on", bot.name, keys.join(", "))?;
        }
        for bot in &self.added {
            let (verb, why) = if bot.autostart { ("start", "") } else { ("add", ", and starts when it is told to") };
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
