//! How commands get to the engine and answers back: a channel, and a descriptor that wakes it.

use crate::bot::Bot;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::logs::{Follower, Place};
use crate::presence::{Absence, Presence};
use crate::reload::Plan;
use crate::status::{BotStatus, Change};
use daemonize_core::Signal;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the engine may be told.
pub(crate) enum Order {
    /// Starts bots by name, or a program by its path, which becomes a bot thereby.
    Start(String),
    /// Starts bots by name, as one command for all: not those that have ended with success.
    StartUnlessDone(String),
    /// Starts a program that is in no configuration.
    Add(Box<Bot>),
    Stop(String),
    Restart(String),
    /// Kills at once; forgets what is in no configuration.
    Destroy(String),
    Signal(String, Signal),
    /// All, or those of that name.
    Status(Option<String>),
    /// Says why the bots of that name are not up (`true`) or down.
    Explain(String, bool),
    /// Counts an event of a bot.
    Event(String, String),
    /// The last lines of a bot.
    Tail(String, usize),
    /// Its lines, as they come.
    Follow(String, Follower),
    /// Somebody who looked on has left.
    Left,
    /// Every change, as it happens.
    Subscribe(SyncSender<Change>, Absence),
    /// Opens the log files again.
    Reopen,
    /// This is the configuration from now on; or, if it would be, what would be done?
    Replace(Box<Config>, bool),
    /// Stops all, and the engine; at once the second time.
    Shutdown,
    /// Kills all, and stops the engine.
    Kill,
}

impl Order {
    /// Returns the order that asks why this one is not done yet; `None` if that needs no explanation.
    pub(crate) fn explanation(&self) -> Option<Order> {
        match self {
            Order::Start(name) | Order::StartUnlessDone(name) | Order::Restart(name) => {
                Some(Order::Explain(name.clone(), true))
            }
            // It may be a bot already, under another name.
            Order::Add(bot) if bot.arguments.is_empty() && bot.command.to_str().is_some() => {
                Some(Order::Explain(bot.command.to_string_lossy().into_owned(), true))
            }
            Order::Add(bot) => Some(Order::Explain(bot.name.clone(), true)),
            Order::Stop(name) | Order::Destroy(name) => Some(Order::Explain(name.clone(), false)),
            _ => None,
        }
    }
}

/// What the engine says.
pub(crate) enum Answer {
    Done,
    Bots(Vec<BotStatus>),
    Text(String),
    Lines(Vec<u8>),
    /// The lines are in these files.
    Files(Vec<Place>),
    /// The lines are kept neither in memory nor in a file.
    NotKept,
    Plan(Box<Plan>),
}

/// Where the answer to one order goes.
#[derive(Clone)]
pub(crate) struct Respond {
    take: Arc<Mutex<Option<Box<Take>>>>,
    absence: Absence,
}

/// Takes an answer, in the engine's thread: not for long.
type Take = dyn FnOnce(Result<Answer>) + Send;

impl Respond {
    fn new(take: impl FnOnce(Result<Answer>) + Send + 'static, absence: Absence) -> Respond {
        Respond { take: Arc::new(Mutex::new(Some(Box::new(take)))), absence }
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_idle(&self) -> bool {
        self.absence.has_left()
    }

    /// Answers, once; nobody minds if nobody waits any more.
    pub(crate) fn answer(&self, answer: Result<Answer>) {
        let take = self.take.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(take) = take {
            take(answer);
        }
    }
}

/// An order on its way.
pub(crate) struct Letter {
    pub(crate) order: Order,
    /// Whether the answer is wanted when it is done, not when it is begun.
    pub(crate) when_done: bool,
    pub(crate) respond: Respond,
}

/// The end that gives orders: cheap to clone, usable from any thread.
#[derive(Clone)]
pub(crate) struct Desk {
    letters: mpsc::Sender<Letter>,
    bell: Arc<EventFd>,
}

/// The end that takes them.
pub(crate) struct Inbox {
    pub(crate) letters: Receiver<Letter>,
    pub(crate) bell: Arc<EventFd>,
}

/// A new pair of ends.
pub(crate) fn desk() -> io::Result<(Desk, Inbox)> {
    let bell = Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
    let (sender, letters) = mpsc::channel();
    Ok((Desk { letters: sender, bell: Arc::clone(&bell) }, Inbox { letters, bell }))
}

/// How long an order that need not be waited for may take to be taken.
const TAKEN: Duration = Duration::from_secs(60);

/// How long an engine may take to explain why something is not done in time.
pub(crate) const EXPLAINED: Duration = Duration::from_secs(2);

impl Desk {
    /// Gives an order; waits until it is done for as long as `wait` says, or without it only until it is begun.
    pub(crate) fn order(&self, order: Order, wait: Option<Duration>) -> Result<Answer> {
        let (sender, answer) = mpsc::sync_channel(1);
        let gone = || Error::new(ErrorKind::NotRunning, "failed to reach the monitor: it does not run");
        let explanation = order.explanation();
        let _here = self.give(order, wait.is_some(), move |answer| drop(sender.try_send(answer)));
        let patience = wait.unwrap_or(TAKEN);
        answer.recv_timeout(patience).map_err(|error| match error {
            mpsc::RecvTimeoutError::Disconnected => gone(),
            mpsc::RecvTimeoutError::Timeout => {
                let why = explanation.map(|order| self.explained(order)).unwrap_or_default();
                Error::new(
                    ErrorKind::Timeout,
                    format!("failed to wait for the bots: not done within {patience:?}{why}"),
                )
            }
        })?
    }

    /// Returns `: ` and an explanation, or nothing if there is none.
    fn explained(&self, order: Order) -> String {
        let (sender, answer) = mpsc::sync_channel(1);
        let _here = self.give(order, false, move |answer| drop(sender.try_send(answer)));
        answer.recv_timeout(EXPLAINED).map(explanation).unwrap_or_default()
    }

    /// Gives an order, and comes back at once; `take` gets the answer, or is dropped if there is nobody to give it. Whoever
    /// drops what this returns does not wait for the order to be done any more.
    pub(crate) fn give(
        &self,
        order: Order,
        when_done: bool,
        take: impl FnOnce(Result<Answer>) + Send + 'static,
    ) -> Presence {
        let presence = Presence::default();
        let respond = Respond::new(take, presence.watched());
        let _ = self.letters.send(Letter { order, when_done, respond });
        let _ = self.bell.write(1);
        presence
    }

    /// Gives an order whose outcome nobody waits for, as from a handler of signals.
    pub(crate) fn post(&self, order: Order) {
        drop(self.give(order, false, drop));
    }
}

/// Returns `: ` and the explanation that an engine has given, or nothing if there is none.
pub(crate) fn explanation(answer: Result<Answer>) -> String {
    match answer {
        Ok(Answer::Text(why)) if !why.is_empty() => format!(": {why}"),
        _ => String::new(),
    }
}
