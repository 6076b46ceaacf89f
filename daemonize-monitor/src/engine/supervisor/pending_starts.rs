//! The queue of starts that are due, and the starts whose outcome is not known yet.

use crate::bot::{Bot, ListenAddress};
use crate::engine::output::Pipes;
use crate::program::AccountNames;
use crate::spawner::Start;
use crate::sys::spawn::PendingChild;
use daemonize_core::Pid;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// How many starts may be pending, beside those that hang: processes that start all at once only wait for each other.
const MAX_PENDING: usize = 4;

/// Starts that have no outcome yet.
#[derive(Default)]
pub(super) struct Starts {
    /// Bots whose programs are to be started.
    pub(super) queue: VecDeque<usize>,
    /// Starts that were begun, by bot.
    pub(super) pending: BTreeMap<usize, PendingStart>,
}

/// A start that was begun and has no outcome yet.
pub(super) struct PendingStart {
    /// The specification that it was begun with: a reload may have changed the bot's.
    pub(super) bot: Arc<Bot>,
    pub(super) pipes: Pipes,
    pub(super) stage: Stage,
    /// When it hangs, and from then on when it is looked at again.
    pub(super) check_at: Instant,
    /// It was reported that it hangs.
    pub(super) hangs: bool,
}

pub(super) enum Stage {
    /// The user is looked up, or a socket is opened; there is no process.
    LookUp(Start),
    /// The program is executed, by a child that becomes this user.
    Execution(PendingChild, u32),
}

impl Starts {
    /// Starts the program of a bot when its turn comes.
    pub(super) fn queue(&mut self, bot: usize) {
        self.queue.push_back(bot);
    }

    /// Does not start a bot that was removed.
    pub(super) fn unqueue(&mut self, bot: usize) {
        self.queue.retain(|other| *other != bot);
    }

    pub(super) fn clear_queue(&mut self) {
        self.queue.clear();
    }

    /// Returns `true` if a start is due and may be begun.
    pub(super) fn has_due(&self) -> bool {
        !self.queue.is_empty() && self.undecided() < MAX_PENDING
    }

    /// Returns `true` if a child has not executed the program of its bot yet, as far as is known.
    pub(super) fn has_child(&self, pid: Pid) -> bool {
        self.pending.values().any(|start| matches!(&start.stage, Stage::Execution(child, _) if child.pid() == pid))
    }

    /// Returns how many do not hang, as far as is known.
    pub(super) fn undecided(&self) -> usize {
        self.pending.values().filter(|start| !start.hangs).count()
    }

    /// Takes a start that waits for an answer.
    pub(super) fn take_look_up(&mut self, bot: usize) -> Option<(Start, Pipes)> {
        match self.pending.remove(&bot) {
            Some(PendingStart { pipes, stage: Stage::LookUp(start), .. }) => Some((start, pipes)),
            other => {
                self.pending.extend(other.map(|start| (bot, start)));
                None
            }
        }
    }

    /// Returns the bots that wait for this address to be opened.
    pub(super) fn opening(&self, address: &ListenAddress) -> Vec<usize> {
        let is_one =
            |start: &PendingStart| matches!(start.stage, Stage::LookUp(_)) && start.bot.listen.contains(address);
        self.pending.iter().filter(|(_, start)| is_one(start)).map(|(index, _)| *index).collect()
    }

    /// Returns the bots whose user or group is looked up by these names.
    pub(super) fn looking_up(&self, names: &AccountNames) -> Vec<usize> {
        let is_one = |start: &PendingStart| {
            matches!(start.stage, Stage::LookUp(_)) && AccountNames::of(&start.bot).as_ref() == Some(names)
        };
        self.pending.iter().filter(|(_, start)| is_one(start)).map(|(index, _)| *index).collect()
    }
}
