//! Other bots than before: only what differs changes.

use super::Engine;
use super::unit::After;
use crate::bot::Bot;
use crate::error::{Error, ErrorKind, Result};
use crate::orders::Answer;
use crate::status::State;
use std::collections::BTreeMap;
use std::fmt::Write as _;

impl Engine {
    /// From now on these are the bots; those in no configuration stay.
    pub(super) fn replace(&mut self, bots: Vec<Bot>) -> Result<Answer> {
        if self.shutdown.is_some() {
            return Err(Error::new(ErrorKind::Stopping, "failed to reload: the monitor is stopping"));
        }
        crate::monitor::check(&bots)?;
        let mut wanted: BTreeMap<String, Bot> = bots.into_iter().map(|bot| (bot.name.clone(), bot)).collect();
        let mut told = String::new();
        let present: Vec<usize> = self.names.values().copied().collect();
        for index in present {
            let unit = self.unit(index);
            match wanted.remove(&unit.bot.name) {
                None if unit.temporary => {}
                None => {
                    let _ = writeln!(told, "{}: removed", unit.bot.name);
                    self.stop(index, After::Forget);
                }
                Some(bot) if bot == *unit.bot => self.keep_wanted(index),
                Some(bot) => {
                    let verb = self.change(index, bot);
                    let _ = writeln!(told, "{}: {verb}", self.unit(index).bot.name);
                }
            }
        }
        let mut new = Vec::new();
        for (name, bot) in wanted {
            let _ = writeln!(told, "{name}: added");
            let autostart = bot.autostart;
            let index = self.add(bot, false);
            if autostart {
                new.push(index);
            }
        }
        self.wire();
        for index in new {
            self.begin(index);
        }
        Ok(Answer::Text(told))
    }

    /// One that was removed, and is back before it was gone, stays.
    fn keep_wanted(&mut self, index: usize) {
        let unit = self.unit_mut(index);
        unit.temporary = false;
        if unit.after == After::Forget {
            unit.after = After::Start;
        }
    }

    /// Limits apply at once; another program is started in place of the old one, if that runs.
    fn change(&mut self, index: usize, bot: Bot) -> &'static str {
        let unit = self.unit_mut(index);
        let restarts = !is_same_program(&unit.bot, &bot);
        unit.temporary = false;
        *unit.bot = bot;
        match (restarts, unit.state) {
            (true, State::Running | State::Suspended | State::Starting) => {
                self.stop(index, After::Start);
                "restarted"
            }
            (_, State::Stopping) if unit.after == After::Forget => {
                unit.after = After::Start;
                "restarted"
            }
            _ => "changed",
        }
    }
}

/// Whether a process of one is a process of the other, too.
fn is_same_program(one: &Bot, other: &Bot) -> bool {
    let mut same = other.clone();
    same.autostart = one.autostart;
    same.restart = one.restart;
    same.limit = one.limit;
    same.backoff = one.backoff;
    same.stop.clone_from(&one.stop);
    same.depends_on.clone_from(&one.depends_on);
    same.ready_timeout = one.ready_timeout;
    same == *one
}
