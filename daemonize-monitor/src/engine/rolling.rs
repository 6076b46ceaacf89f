//! A rolling restart: the instances of a bot one after another, each ready before the next one is touched, stopped at the first failure.

use super::pending_reply::PendingReply;
use super::roll_progress::RollProgress;
use super::slab::Key;
use std::collections::VecDeque;
use std::rc::Rc;

/// The rolling restart of one family.
pub(super) struct Roll {
    /// How many instances may be touched and not ready.
    pub(super) parallel: usize,
    /// Instances whose turn is to come.
    pub(super) waiting: VecDeque<Turn>,
    /// Instances that were touched and are not ready yet.
    pub(super) active: Vec<Key>,
    pub(super) progress: Rc<RollProgress>,
    /// Commands that wait for an instance.
    pub(super) replies: Vec<(Key, Rc<PendingReply>)>,
}

/// The turn of an instance.
pub(super) struct Turn {
    pub(super) bot: Key,
    /// It did not run when the command came, so the command is to start it.
    pub(super) was_down: bool,
    /// A command asked for it, and not a reload, which leaves alone what does not run.
    pub(super) is_by_hand: bool,
}

/// The outcome of the turn of an instance.
pub(super) enum TurnOutcome {
    /// It is not ready yet.
    Pending,
    /// It is ready, or has ended as it should.
    Done,
    /// It was stopped by a command.
    Stopped,
    /// It is not in the configuration any more.
    Removed,
    /// It has ended before it was ready.
    Failed(String),
}

impl Roll {
    /// Makes a roll without instances.
    pub(super) fn new() -> Roll {
        let (waiting, active, replies) = (VecDeque::new(), Vec::new(), Vec::new());
        Roll { parallel: 1, waiting, active, progress: Rc::default(), replies }
    }

    /// Adds the turn of an instance, unless that is to come anyway.
    pub(super) fn add(&mut self, turn: Turn) {
        if !self.waiting.iter().any(|other| other.bot == turn.bot) {
            self.waiting.push_back(turn);
            self.progress.total.set(self.progress.total.get() + 1);
        }
    }

    /// Adds an instance that is down already and comes back by itself.
    pub(super) fn add_active(&mut self, bot: Key) {
        if !self.active.contains(&bot) {
            self.active.push(bot);
            self.progress.total.set(self.progress.total.get() + 1);
        }
    }

    /// Ends the turn of an instance. Returns the commands that wait for it.
    pub(super) fn end_turn(&mut self, bot: Key) -> Vec<Rc<PendingReply>> {
        self.active.retain(|other| *other != bot);
        self.progress.done.set(self.progress.done.get() + 1);
        self.take_replies(bot)
    }

    /// Takes the commands that wait for an instance, unless its turn is to come again.
    pub(super) fn take_replies(&mut self, bot: Key) -> Vec<Rc<PendingReply>> {
        let mut taken = Vec::new();
        if !self.waiting.iter().any(|turn| turn.bot == bot) {
            self.replies.retain(|(other, reply)| {
                if *other == bot {
                    taken.push(Rc::clone(reply));
                }
                *other != bot
            });
        }
        taken
    }
}
