//! The queue of commands to the engine: a channel, an eventfd that wakes the engine, and a callback for each answer.

mod many_bots;
mod snapshot;

pub(crate) use many_bots::{AffectedBots, BotAction, ManyBots};
pub(crate) use snapshot::BotSnapshot;

use crate::bot::Bot;
use crate::cancellation::{CancelGuard, CancelToken};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::logs::{BotLog, Follower};
use crate::parallel::Parallel;
use crate::reload_plan::ReloadPlan;
use crate::status::{BotStatus, Change};
use daemonize_core::Signal;
use daemonize_sys::mutex::lock;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A command to the engine.
pub(crate) enum Command {
    /// Starts bots by name, or a program by its path, which becomes a bot thereby.
    Start(String),
    /// Starts a program that is in no configuration.
    Add(Box<Bot>),
    /// One command for many bots, which is begun for all of them before anything else happens.
    Many(Box<ManyBots>),
    Stop(String),
    /// Restarts the bots of that name; at most this number of instances of one bot at once.
    Restart(String, Parallel),
    /// Kills at once; forgets what is in no configuration.
    Destroy(String),
    Signal(String, Signal),
    /// Freezes all processes of the bots of that name (`true`), or thaws them.
    Freeze(String, bool),
    /// Returns the status of all bots, or of those of that name.
    Status(Option<String>),
    /// Returns all that is known of bots.
    Show(String),
    /// Says why the bots of that name are not up (`true`) or down.
    Explain(String, bool),
    /// Counts an event of a bot.
    Event(String, String),
    /// Returns the logs of bots as they are now, and sends all that follows to a follower, if there is one.
    Tail(Vec<String>, Option<Follower>),
    /// Sends the lines of a bot to a follower from now on.
    Follow(String, Follower),
    /// Drops the followers and subscribers that have gone.
    ObserverLeft,
    /// Sends every change to a subscriber from now on.
    Subscribe(SyncSender<Change>, CancelToken),
    /// Reopens the log files.
    Reopen,
    /// Puts a configuration in force, and restarts at most this number of instances of one bot at once; or only plans that (`true`).
    Replace(Box<Config>, Parallel, bool),
    /// Stops all bots and the engine; kills them the second time.
    Shutdown,
    /// Kills all bots and stops the engine.
    Kill,
}

impl Command {
    /// Returns the command that asks why this one is not done yet; `None` if that needs no explanation.
    pub(crate) fn explanation(&self) -> Option<Command> {
        match self {
            Command::Start(name) | Command::Restart(name, _) => Some(Command::Explain(name.clone(), true)),
            // It may be a bot already, under another name.
            Command::Add(bot) if bot.arguments.is_empty() && bot.command.to_str().is_some() => {
                Some(Command::Explain(bot.command.to_string_lossy().into_owned(), true))
            }
            Command::Add(bot) => Some(Command::Explain(bot.name.clone(), true)),
            Command::Stop(name) | Command::Destroy(name) => Some(Command::Explain(name.clone(), false)),
            _ => None,
        }
    }
}

/// The engine's answer to a command.
pub(crate) enum Answer {
    Affected(Box<AffectedBots>),
    Done,
    Bots(Vec<BotStatus>),
    Snapshots(Vec<BotSnapshot>),
    Text(String),
    Logs(Vec<BotLog>),
    Plan(Box<ReloadPlan>),
}

/// Delivers the answer to one command.
#[derive(Clone)]
pub(crate) struct Responder {
    callback: Arc<Mutex<Option<Box<Callback>>>>,
    cancelled: CancelToken,
}

/// Receives an answer on the engine's thread; must not block.
type Callback = dyn FnOnce(Result<Answer>) + Send;

impl Responder {
    fn new(callback: impl FnOnce(Result<Answer>) + Send + 'static, cancelled: CancelToken) -> Responder {
        Responder { callback: Arc::new(Mutex::new(Some(Box::new(callback)))), cancelled }
    }

    /// Returns a responder for a part of the command, with a callback of its own.
    pub(crate) fn part(&self, callback: impl FnOnce(Result<Answer>) + Send + 'static) -> Responder {
        Responder::new(callback, self.cancelled.clone())
    }

    /// Returns `true` if the caller has stopped waiting for the answer.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Delivers the answer. Only the first call has an effect; a caller that has stopped waiting does not matter.
    pub(crate) fn answer(&self, answer: Result<Answer>) {
        let callback = lock(&self.callback).take();
        if let Some(callback) = callback {
            callback(answer);
        }
    }
}

/// A command in the queue.
pub(crate) struct Envelope {
    pub(crate) command: Command,
    /// `true` if the answer is due when the command is done, `false` if it is due when the command was begun.
    pub(crate) when_done: bool,
    pub(crate) responder: Responder,
}

/// The sending end of the queue: cheap to clone, usable from any thread.
#[derive(Clone)]
pub(crate) struct CommandSender {
    queue: mpsc::Sender<Envelope>,
    wakeup: Arc<EventFd>,
}

/// The engine's end of the queue.
pub(crate) struct CommandReceiver {
    pub(crate) queue: Receiver<Envelope>,
    /// Readable while there may be commands.
    pub(crate) wakeup: Arc<EventFd>,
}

/// Makes a queue.
pub(crate) fn channel() -> io::Result<(CommandSender, CommandReceiver)> {
    let wakeup = Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
    let (sender, queue) = mpsc::channel();
    Ok((CommandSender { queue: sender, wakeup: Arc::clone(&wakeup) }, CommandReceiver { queue, wakeup }))
}

/// How long the engine may take to begin a command whose end is not waited for.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the engine may take to explain why a command is not done in time.
pub(crate) const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(2);

impl CommandSender {
    /// Sends a command and blocks until it is done, for at most `wait`; without `wait`, until it was begun.
    ///
    /// # Errors
    /// The engine has ended, refuses the command, or takes longer.
    pub(crate) fn request(&self, command: Command, wait: Option<Duration>) -> Result<Answer> {
        let (sender, answer) = mpsc::sync_channel(1);
        let gone = || Error::new(ErrorKind::NotRunning, "failed to reach the monitor: it does not run");
        let explanation = command.explanation();
        let _waiting = self.send(command, wait.is_some(), move |answer| drop(sender.try_send(answer)));
        let timeout = wait.unwrap_or(BEGIN_TIMEOUT);
        answer.recv_timeout(timeout).map_err(|error| match error {
            mpsc::RecvTimeoutError::Disconnected => gone(),
            mpsc::RecvTimeoutError::Timeout => {
                let why = explanation.map(|command| self.explained(command)).unwrap_or_default();
                Error::new(ErrorKind::Timeout, format!("failed to wait for the bots: not done within {timeout:?}{why}"))
            }
        })?
    }

    /// Returns `: ` and an explanation, or nothing if there is none.
    fn explained(&self, command: Command) -> String {
        let (sender, answer) = mpsc::sync_channel(1);
        let _waiting = self.send(command, false, move |answer| drop(sender.try_send(answer)));
        answer.recv_timeout(EXPLAIN_TIMEOUT).map(explanation).unwrap_or_default()
    }

    /// Sends a command without blocking. `callback` receives the answer, or is dropped if the engine has ended. Dropping the
    /// returned guard tells the engine that the caller does not wait any more.
    pub(crate) fn send(
        &self,
        command: Command,
        when_done: bool,
        callback: impl FnOnce(Result<Answer>) + Send + 'static,
    ) -> CancelGuard {
        let guard = CancelGuard::default();
        let responder = Responder::new(callback, guard.token());
        let _ = self.queue.send(Envelope { command, when_done, responder });
        let _ = self.wakeup.write(1);
        guard
    }

    /// Sends a command whose answer is not wanted, as a signal handler does.
    pub(crate) fn post(&self, command: Command) {
        drop(self.send(command, false, drop));
    }
}

/// Returns `: ` and the explanation that an engine has given, or nothing if there is none.
pub(crate) fn explanation(answer: Result<Answer>) -> String {
    match answer {
        Ok(Answer::Text(why)) if !why.is_empty() => format!(": {why}"),
        _ => String::new(),
    }
}
