//! Commands that wait until bots are up or down.

use crate::command_queue::{Answer, Responder};
use crate::error::{Error, ErrorKind};
use crate::status::{BotStatus, State};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A command for some bots, which is answered when it is done with all of them.
pub(super) struct PendingReply {
    /// Bots that are not done.
    left: Cell<usize>,
    done: RefCell<Vec<BotStatus>>,
    failure: RefCell<Option<Error>>,
    responder: Responder,
}

/// A command that waits for one bot.
struct Waiter {
    is_for_up: bool,
    reply: Rc<PendingReply>,
}

impl PendingReply {
    /// Makes the reply to a command for this number of bots.
    pub(super) fn new(bots: usize, responder: Responder) -> Rc<PendingReply> {
        let (done, failure) = (RefCell::default(), RefCell::default());
        Rc::new(PendingReply { left: Cell::new(bots), done, failure, responder })
    }

    /// Notes that the command is done with a bot.
    pub(super) fn done(&self, outcome: Result<BotStatus, Error>) {
        match outcome {
            Ok(status) => self.done.borrow_mut().push(status),
            Err(error) => drop(self.failure.borrow_mut().get_or_insert(error)),
        }
        self.one_less();
    }

    /// Notes that a bot was removed: there is nothing to report of it.
    pub(super) fn removed(&self) {
        self.one_less();
    }

    fn one_less(&self) {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            let done = self.done.take();
            self.responder.answer(self.failure.take().map_or(Ok(Answer::Bots(done)), Err));
        }
    }
}

/// The commands that wait for one bot.
#[derive(Default)]
pub(super) struct Waiters(Vec<Waiter>);

impl Waiters {
    /// Has a command wait for the bot to be up, or down. Cancelled ones are dropped: there are never more than wait at once.
    /// Returns how many wait.
    pub(super) fn add(&mut self, is_for_up: bool, reply: &Rc<PendingReply>) -> usize {
        self.0.retain(|waiter| !waiter.reply.responder.is_cancelled());
        self.0.push(Waiter { is_for_up, reply: Rc::clone(reply) });
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Answers commands if the bot has come to where they wait for it, or never will. A bot that `is_leaving` is not down: one that has
    /// ended by itself is to be stopped after those that depend on it.
    pub(super) fn answer(
        &mut self,
        status: &BotStatus,
        is_ready: bool,
        is_leaving: bool,
        last_line: impl Fn() -> String,
    ) {
        let failed = |why: &str| {
            let why = status.reason.as_deref().map_or_else(|| why.to_owned(), |reason| format!("{why}: {reason}"));
            let line = if status.state == State::Stopped { String::new() } else { last_line() };
            Error::failed(ErrorKind::Failed, "wait for bot", &status.name, format!("{why}{line}"))
        };
        let mut left = Vec::new();
        for waiter in std::mem::take(&mut self.0) {
            match (waiter.is_for_up, status.state) {
                (true, _) if is_ready => waiter.reply.done(Ok(status.clone())),
                (true, State::GaveUp) => waiter.reply.done(Err(failed("it was given up"))),
                // Its end is what its `restart` allows: nothing more is to come.
                (true, State::Exited) => waiter.reply.done(Ok(status.clone())),
                (true, State::Failed) => waiter.reply.done(Err(failed("it has failed"))),
                (true, State::Stopped) => waiter.reply.done(Err(failed("it was stopped"))),
                (false, state) if state.is_down() && !is_leaving => waiter.reply.done(Ok(status.clone())),
                _ => left.push(waiter),
            }
        }
        self.0 = left;
    }
}
