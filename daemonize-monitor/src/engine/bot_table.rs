//! The bots of a monitor, under their numbers and names: their specifications, states, processes and dependencies.

use super::dependencies::Graph;
use super::slab::{Key, Slab};
use super::supervised_bot::SupervisedBot;
use crate::bot::Bot;
use crate::bot_selector::BotSelector;
use crate::status::State;
use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// See the module. A number belongs to one bot until that is removed.
#[derive(Default)]
pub(super) struct BotTable {
    slots: Slab<SupervisedBot>,
    names: BTreeMap<Rc<str>, usize>,
}

impl BotTable {
    /// Adds a bot that does not run yet, without dependencies.
    pub(super) fn add(&mut self, bot: Arc<Bot>, temporary: bool, now: Instant) -> usize {
        let name = bot.name.as_str().into();
        let index = self.slots.insert(SupervisedBot::new(bot, temporary, now)).index;
        self.names.insert(name, index);
        index
    }

    /// Removes a bot; other bots do not depend on it any more.
    pub(super) fn remove(&mut self, index: usize) -> Option<SupervisedBot> {
        let unit = self.slots.remove(index)?;
        self.names.remove(unit.bot.name.as_str());
        for other in &unit.dependencies {
            self[*other].dependents.retain(|dependent| *dependent != index);
        }
        Some(unit)
    }

    /// Gives a bot in no configuration the specification and the name of another one.
    pub(super) fn rename(&mut self, index: usize, bot: Arc<Bot>) {
        let old = self[index].bot.name.clone();
        self.names.remove(old.as_str());
        self.names.insert(bot.name.as_str().into(), index);
        let unit = &mut self[index];
        if let Some(process) = &mut unit.process {
            // It takes the place of what the configuration says, and runs on.
            process.specification = Arc::clone(&bot);
        }
        (unit.bot, unit.temporary) = (bot, false);
    }

    pub(super) fn get(&self, index: usize) -> Option<&SupervisedBot> {
        self.slots.get(index)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut SupervisedBot> {
        self.slots.get_mut(index)
    }

    /// Returns the key under which events of the bot come.
    pub(super) fn key(&self, index: usize) -> Key {
        self.slots.key(index)
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.slots.contains(key)
    }

    pub(super) fn current_mut(&mut self, key: Key) -> Option<&mut SupervisedBot> {
        self.slots.current_mut(key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &SupervisedBot> {
        self.slots.iter().map(|(_, unit)| unit)
    }

    /// Returns the numbers of all bots, in the order of their names.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.names.values().copied()
    }

    /// Returns the bot of exactly this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Returns the bots that a name means: one, all instances of one, or the bots of a group.
    pub(super) fn find(&self, name: &str) -> Vec<usize> {
        if let Some(index) = self.named(name) {
            return vec![index];
        }
        let from = format!("{name}:");
        let after = self.names.range(Rc::from(from.as_str())..);
        let found: Vec<usize> =
            after.take_while(|(other, _)| other.starts_with(&from)).map(|(_, index)| *index).collect();
        if !found.is_empty() {
            return found;
        }
        self.all().filter(|index| self[*index].bot.bot_group.as_deref() == Some(name)).collect()
    }

    /// Returns the bots that a word of a command selects, in the order of their names; of a program, none.
    pub(super) fn select(&self, selector: &BotSelector) -> Vec<usize> {
        if let BotSelector::Name(name) = selector {
            return self.find(name);
        }
        let is_selected = |index: &usize| {
            let bot = &self[*index].bot;
            selector.selects(&bot.name, bot.bot_group.as_deref())
        };
        self.all().filter(is_selected).collect()
    }

    /// Finds out what all bots depend on, after bots have come or have other specifications.
    pub(super) fn connect_all(&mut self) -> Vec<usize> {
        let all: Vec<usize> = self.all().collect();
        for index in &all {
            let unit = &mut self[*index];
            unit.dependents.clear();
            unit.dependencies.clear();
        }
        self.connect(&all);
        all
    }

    /// Finds out what these bots depend on.
    pub(super) fn connect(&mut self, bots: &[usize]) {
        for index in bots.iter().copied() {
            for other in std::mem::take(&mut self[index].dependencies) {
                if let Some(other) = self.get_mut(other) {
                    other.dependents.retain(|dependent| *dependent != index);
                }
            }
            let found = self[index].bot.depends_on.iter().flat_map(|name| self.find(name));
            let dependencies: Vec<usize> = found.filter(|other| *other != index).collect();
            for other in &dependencies {
                self[*other].dependents.push(index);
            }
            self[index].dependencies = dependencies;
        }
    }
}

impl Index<usize> for BotTable {
    type Output = SupervisedBot;

    /// Panics if there is no bot of this number.
    fn index(&self, index: usize) -> &SupervisedBot {
        &self.slots[index]
    }
}

impl IndexMut<usize> for BotTable {
    fn index_mut(&mut self, index: usize) -> &mut SupervisedBot {
        &mut self.slots[index]
    }
}

impl Graph for BotTable {
    fn dependencies(&self, bot: usize) -> &[usize] {
        &self[bot].dependencies
    }

    fn dependents(&self, bot: usize) -> &[usize] {
        &self[bot].dependents
    }

    fn is_ready(&self, bot: usize) -> bool {
        self[bot].is_ready()
    }

    fn has_finished(&self, bot: usize) -> bool {
        self[bot].has_finished()
    }

    fn is_stopped(&self, bot: usize) -> bool {
        let state = &self[bot].bot_state;
        state.state() == State::Stopped && state.stop_mark().is_none()
    }

    fn is_leaving(&self, bot: usize) -> bool {
        self[bot].is_leaving()
    }
}
