//! Restarts the instances of a bot one after another.
//!
//! An instance is touched when those before it are ready, so that at most [`Roll::parallel`] of them are down. What the family depends on
//! and what depends on it is left alone: it is up all the time. The first instance that ends before it is ready stops the roll; those that
//! were not touched run on as they are.

use super::Supervisor;
use crate::bot::family;
use crate::engine::bot_state::{BotEvent, NextState};
use crate::engine::exit_records::ExitRecord;
use crate::engine::pending_reply::PendingReply;
use crate::engine::rolling::{Roll, Turn, TurnOutcome};
use crate::engine::slab::Key;
use crate::error::{Error, ErrorKind};
use crate::status::State;
use std::fmt::Write;
use std::rc::Rc;

/// The most instances that are named when a roll was stopped.
const MAX_NAMED: usize = 10;

/// The most instances whose progress is published at each turn.
const MAX_PUBLISHED: usize = 64;

impl Supervisor {
    /// Returns `true` if the instances of a family are being restarted one after another.
    pub(in crate::engine) fn is_rolling(&self, family: &str) -> bool {
        self.rolls.contains_key(family)
    }

    /// Restarts instances of one family, `parallel` at once. If the family is rolling already, they join: those that have had their turn
    /// have another one.
    pub(in crate::engine) fn roll(&mut self, instances: &[usize], parallel: usize, is_by_hand: bool) {
        let Some(first) = instances.first() else { return };
        let name = family(&self.units[*first].bot.name).to_owned();
        let mut roll = self.rolls.remove(&name).unwrap_or_else(Roll::new);
        self.failed_rolls.remove(&name);
        roll.parallel = parallel;
        let mut turns: Vec<(bool, u32, usize)> = Vec::new();
        for index in instances.iter().copied() {
            let unit = &self.units[index];
            if is_by_hand && !unit.is_removed() {
                self.cancel_stop(index);
            }
            let unit = &mut self.units[index];
            let number = unit.bot.name.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0);
            match unit.state() {
                _ if unit.is_removed() => {}
                // It is restarted with a bot that it depends on.
                _ if unit.bot_state.stop_mark() == Some(NextState::Started) => {
                    // An exit from now on is one of the new process.
                    unit.bot_state.forget_history();
                    unit.rolling = Some(Rc::clone(&roll.progress));
                    roll.add_active(self.units.key(index));
                }
                // It is down already, or about to be: it need not wait for its turn.
                State::Stopping if is_by_hand => {
                    unit.rolling = Some(Rc::clone(&roll.progress));
                    roll.add_active(self.units.key(index));
                    self.on(index, BotEvent::StartRequested);
                }
                _ => turns.push((unit.bot_state.has_run(), number, index)),
            }
        }
        // First the ones that do not run: each of them takes a part of the load of those that are touched after it.
        turns.sort_unstable();
        for (has_run, _, index) in turns {
            self.units[index].rolling = Some(Rc::clone(&roll.progress));
            roll.add(Turn { bot: self.units.key(index), was_down: !has_run, is_by_hand });
        }
        self.publish_progress(&roll);
        self.rolls.insert(name.clone(), roll);
        self.advance_roll(&name);
    }

    /// Has a command wait for the turn of an instance, or tells it that the roll has failed at this one.
    pub(in crate::engine) fn await_turn(&mut self, index: usize, reply: &Rc<PendingReply>) {
        let (key, now) = (self.units.key(index), self.now);
        let unit = &mut self.units[index];
        let takes_part =
            |roll: &&mut Roll| roll.active.contains(&key) || roll.waiting.iter().any(|turn| turn.bot == key);
        match self.rolls.get_mut(family(&unit.bot.name)).filter(takes_part) {
            Some(roll) => roll.replies.push((key, Rc::clone(reply))),
            None => match self.failed_rolls.get(family(&unit.bot.name)).filter(|(failed, _)| *failed == key) {
                Some((_, text)) => reply.done(Err(roll_error(&unit.bot.name, text))),
                None => unit.add_waiter(true, reply, now),
            },
        }
    }

    /// Ends a roll without a failure: commands that wait for an instance go on to wait for it to be up.
    pub(in crate::engine) fn dissolve_roll(&mut self, family: &str) {
        self.failed_rolls.remove(family);
        let Some(roll) = self.rolls.remove(family) else { return };
        let now = self.now;
        for key in roll.active.iter().copied().chain(roll.waiting.iter().map(|turn| turn.bot)) {
            if let Some(unit) = self.units.current_mut(key) {
                unit.rolling = None;
            }
        }
        for (key, reply) in roll.replies {
            match self.units.current_mut(key) {
                Some(unit) => unit.add_waiter(true, &reply, now),
                None => reply.removed(),
            }
        }
    }

    /// Ends all rolls: the monitor is stopping.
    pub(super) fn dissolve_rolls(&mut self) {
        for family in self.rolls.keys().cloned().collect::<Vec<_>>() {
            self.dissolve_roll(&family);
        }
    }

    /// Looks at the instances that were touched, and touches further ones if these are ready.
    pub(super) fn advance_roll(&mut self, family: &str) {
        let Some(mut roll) = self.rolls.remove(family) else { return };
        let done = roll.progress.done.get();
        for key in roll.active.clone() {
            match self.turn_outcome(key) {
                TurnOutcome::Pending => {}
                TurnOutcome::Failed(why) => return self.fail_roll(family, roll, key, &why),
                outcome => self.end_turn(&mut roll, key, &outcome),
            }
        }
        while roll.active.len() < roll.parallel {
            let Some(turn) = roll.waiting.pop_front() else { break };
            self.take_turn(&mut roll, &turn);
        }
        if roll.active.is_empty() && roll.waiting.is_empty() {
            log::info!("bot `{family}`: the rolling restart of {} is over", told(roll.progress.total.get()));
        } else {
            if roll.progress.done.get() > done {
                self.publish_progress(&roll);
            }
            self.rolls.insert(family.to_owned(), roll);
        }
    }

    /// Tells subscribers of the progress of those that wait for their turn. Of many instances, the progress is as old as their last
    /// change, since each turn would be a message for each.
    fn publish_progress(&mut self, roll: &Roll) {
        if roll.progress.total.get() <= MAX_PUBLISHED {
            let waiting = roll.waiting.iter().map(|turn| turn.bot);
            self.unsettled.changed.extend(roll.active.iter().copied().chain(waiting).map(|bot| bot.index));
        }
    }

    /// Restarts an instance whose turn has come, unless it was stopped or removed meanwhile.
    fn take_turn(&mut self, roll: &mut Roll, turn: &Turn) {
        let key = turn.bot;
        match self.turn_outcome(key) {
            outcome @ TurnOutcome::Removed => return self.end_turn(roll, key, &outcome),
            outcome @ TurnOutcome::Stopped if !turn.was_down => return self.end_turn(roll, key, &outcome),
            _ => {}
        }
        roll.active.push(key);
        let index = key.index;
        let state = &mut self.units[index].bot_state;
        state.forget_history();
        if state.has_run() {
            self.on(index, BotEvent::StopRequested(NextState::Started));
            if turn.is_by_hand {
                self.start_dependencies(index);
            }
        } else {
            self.start_by_hand(index);
        }
    }

    /// Returns what has become of an instance since it was touched.
    fn turn_outcome(&self, key: Key) -> TurnOutcome {
        if !self.units.contains(key) {
            return TurnOutcome::Removed;
        }
        let unit = &self.units[key.index];
        let state = &unit.bot_state;
        let has_exited = state.history().last().is_some();
        match (unit.state(), state.stop_mark()) {
            _ if unit.is_removed() => TurnOutcome::Removed,
            (State::Stopped, _) | (_, Some(NextState::Stopped)) => TurnOutcome::Stopped,
            (State::Stopping, _) if state.next() == NextState::Stopped => TurnOutcome::Stopped,
            _ if unit.is_ready() => TurnOutcome::Done,
            (State::Exited, _) => TurnOutcome::Done,
            (State::GaveUp | State::Failed, _) => TurnOutcome::Failed(self.cause_of_failure(key.index)),
            // While it is stopped, its policy has not decided yet.
            (State::BackingOff | State::Waiting | State::Starting, _) if has_exited => {
                TurnOutcome::Failed(self.cause_of_failure(key.index))
            }
            _ => TurnOutcome::Pending,
        }
    }

    /// "ended by status 1 before it was ready (its last line: `no such table`)".
    fn cause_of_failure(&self, index: usize) -> String {
        let unit = &self.units[index];
        let record = unit.exit_records.iter().next_back();
        let exit = unit.bot_state.history().last().map(|(_, exit)| format!("ended by {exit} before it was ready"));
        let reason = record.and_then(|record| record.reason.as_deref()).map(str::to_owned);
        let cause = reason.or(exit).or_else(|| unit.bot_state.reason().map(str::to_owned)).unwrap_or_default();
        let line = record.map(ExitRecord::last_line_note).unwrap_or_default();
        format!("{cause}{line}")
    }

    /// Ends the turn of an instance, and answers the commands that wait for it.
    fn end_turn(&mut self, roll: &mut Roll, key: Key, outcome: &TurnOutcome) {
        let replies = roll.end_turn(key);
        let will_be_touched = roll.waiting.iter().any(|turn| turn.bot == key);
        let now = self.now;
        let Some(unit) = self.units.current_mut(key).filter(|_| !matches!(outcome, TurnOutcome::Removed)) else {
            for reply in replies {
                reply.removed();
            }
            return;
        };
        if !will_be_touched {
            unit.rolling = None;
        }
        for reply in replies {
            // One that is up answers at once, and one that was stopped says so.
            unit.add_waiter(true, &reply, now);
        }
        self.unsettled.changed.push(key.index);
    }

    /// Stops a roll because an instance has failed. Those that were not touched run on, and say so.
    fn fail_roll(&mut self, family: &str, mut roll: Roll, failed: Key, why: &str) {
        let waiting: Vec<Key> = roll.waiting.drain(..).map(|turn| turn.bot).filter(|bot| *bot != failed).collect();
        let untouched: Vec<Key> = waiting.into_iter().filter(|key| self.units.contains(*key)).collect();
        let names = untouched.iter().take(MAX_NAMED).map(|key| format!("`{}`", self.units[key.index].bot.name));
        let mut names = names.collect::<Vec<_>>().join(", ");
        if untouched.len() > MAX_NAMED {
            let _ = write!(names, " and {} more", untouched.len() - MAX_NAMED);
        }
        let rest = match untouched.len() {
            0 => "it was the last one".to_owned(),
            1 => format!("{names} was not touched, and is as it was"),
            _ => format!("{names} were not touched, and are as they were"),
        };
        let name = self.units[failed.index].bot.name.clone();
        let text = format!("`{name}`: {why}; {rest}");
        log::warn!("bot `{family}`: the rolling restart is stopped: {text}");
        roll.progress.fail(&name);
        self.failed_rolls.insert(family.to_owned(), (failed, text.clone()));
        let now = self.now;
        for key in roll.active.iter().copied() {
            if let Some(unit) = self.units.current_mut(key) {
                // One that ends before it is ready says why, where the others say only which one that was.
                unit.rolling = (key == failed).then(|| Rc::new(roll.progress.of_failed(why)));
            }
        }
        for (key, reply) in std::mem::take(&mut roll.replies) {
            match self.units.current_mut(key) {
                None => reply.removed(),
                Some(_) if key == failed => {
                    reply.done(Err(roll_error(family, &text)));
                }
                Some(unit) if untouched.contains(&key) => reply.done(Ok(unit.status(now))),
                Some(unit) => unit.add_waiter(true, &reply, now),
            }
        }
        self.unsettled.changed.extend(untouched.iter().map(|key| key.index));
        self.unsettled.changed.push(failed.index);
    }

    /// "rolling, 1 of 4 done", for a command that waits; empty if these bots are not rolling.
    pub(in crate::engine) fn roll_progress(&self, bots: &[usize]) -> String {
        let roll = bots.iter().find_map(|index| self.rolls.get(family(&self.units[*index].bot.name)));
        let Some(roll) = roll else { return String::new() };
        format!("rolling, {} of {} done", roll.progress.done.get(), roll.progress.total.get())
    }
}

/// Returns the error of a roll that was stopped.
fn roll_error(name: &str, text: &str) -> Error {
    Error::failed(ErrorKind::Failed, "restart all instances of", family(name), text)
}

fn told(instances: usize) -> String {
    if instances == 1 { "1 instance".to_owned() } else { format!("{instances} instances") }
}
