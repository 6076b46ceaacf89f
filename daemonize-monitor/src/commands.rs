//! The commands to a running monitor, from any thread.

mod feed;
mod freeze;
mod restart;

pub use feed::Feed;

use crate::cancellation::CancelGuard;
use crate::command_queue::{Answer, Command, CommandSender};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::logs::{Follower, LogQuery, read_lines};
use crate::parallel::Parallel;
use crate::reload_plan::ReloadPlan;
use crate::status::{BotStatus, Change};
use daemonize_core::Signal;
use daemonize_sys::mutex::lock;
use std::fmt::{self, Display};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The number of changes or pieces of output that are buffered for a slow receiver; further ones are dropped.
const FEED_CAPACITY: usize = 1024;

/// Reads the configuration again; the argument is `true` for a dry run. Also returns what is left to do once the engine has applied it.
pub(crate) type ConfigSource = Arc<dyn Fn(bool) -> Result<(Config, OnApplied)> + Send + Sync>;

/// Called when a configuration has been applied; not for a refused one or a dry run.
pub(crate) type OnApplied = Box<dyn FnOnce() + Send>;

/// A handle on a running monitor: cheap to clone, usable from any thread.
///
/// A name means a bot, or all instances of one; an absolute path means the bot whose program that is. `wait` is the maximum time to wait for completion: a start is complete when
/// all of them are ready, a stop when no process is left. With `None` a command returns as soon as it has begun. A command that is not
/// complete in time continues.
///
/// ```no_run
/// use daemonize_monitor::{Bot, Monitor};
/// use std::time::Duration;
///
/// let monitor = Monitor::builder("lab").bot(Bot::new("web", "/usr/bin/web")).build()?;
/// let commands = monitor.commands();
/// std::thread::spawn(move || commands.restart_bot("web", Some(Duration::from_secs(10))));
/// monitor.foreground()?;
/// # Ok::<(), daemonize_monitor::Error>(())
/// ```
#[derive(Clone)]
pub struct Commands {
    sender: CommandSender,
    source: Option<ConfigSource>,
    /// Serializes reloads, so that the configuration that was read last is applied last.
    reloading: Arc<Mutex<()>>,
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commands")
    }
}

impl Commands {
    pub(crate) fn new(sender: CommandSender, source: Option<ConfigSource>) -> Commands {
        Commands { sender, source, reloading: Arc::default() }
    }

    /// Starts a bot and its dependencies. The exits of a bot that was given up are cleared. A running bot is not affected.
    ///
    /// An absolute path means the bot of this program. A program that no bot has becomes one, called by its file name, until
    /// it is destroyed; it runs in `/` with the umask `0o022`.
    ///
    /// # Errors
    /// There is no such bot, or several have this program; the monitor is stopping; or, if that is waited for, it was given up,
    /// failed or was stopped before it was ready, or was not ready in time: then the text says what it is at, and why.
    pub fn start_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Start(name.into()), wait)
    }

    /// Stops a bot and all its descendant processes, and before it all bots that depend on it.
    ///
    /// # Errors
    /// There is no such bot, or it was not gone in time.
    pub fn stop_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Stop(name.into()), wait)
    }

    /// Kills a bot and all its descendant processes at once, and stops bots that depend on it. A bot that no configuration has is
    /// removed.
    ///
    /// # Errors
    /// As [`stop_bot`](Commands::stop_bot).
    pub fn destroy_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Destroy(name.into()), wait)
    }

    /// Returns the status of a bot, or of all its instances.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn bot_status(&self, name: &str) -> Result<Vec<BotStatus>> {
        self.bots(Command::Status(Some(name.into())), None)
    }

    /// Returns the status of all bots, in alphabetical order.
    ///
    /// # Errors
    /// The monitor does not run.
    pub fn status(&self) -> Result<Vec<BotStatus>> {
        self.bots(Command::Status(None), None)
    }

    /// Returns the names of the bots that `name` means; none if there is no such bot.
    ///
    /// # Errors
    /// The monitor does not run.
    pub fn find_named_bot(&self, name: &str) -> Result<Vec<String>> {
        match self.bot_status(name) {
            Ok(found) => Ok(found.into_iter().map(|status| status.name).collect()),
            Err(error) if error.kind() == ErrorKind::NoSuchBot => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Sends a signal (a [`Signal`], a number or a name such as `"HUP"`) to a bot's own process.
    ///
    /// # Errors
    /// There is no such signal or bot, or it does not run.
    pub fn signal_bot(&self, name: &str, signal: impl TryInto<Signal, Error: Display>) -> Result<()> {
        let unknown = |error| Error::failed(ErrorKind::Configuration, "signal", name, error);
        self.sender.request(Command::Signal(name.into(), signal.try_into().map_err(unknown)?), None).map(drop)
    }

    /// Counts an event, as if the bot had reported it.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn event(&self, bot: &str, event: &str) -> Result<()> {
        self.sender.request(Command::Event(bot.into(), event.into()), None).map(drop)
    }

    /// Returns the last lines that a bot wrote, from its log files or, if it has none, from memory.
    ///
    /// # Errors
    /// There is no such bot, or its log cannot be read.
    pub fn tail(&self, name: &str, lines: usize) -> Result<Vec<u8>> {
        let Answer::Logs(logs) = self.sender.request(Command::Tail(vec![name.into()], None), None)? else {
            return Ok(Vec::new());
        };
        let found = read_lines(&logs, &LogQuery { count: lines, ..LogQuery::default() })?;
        Ok(found.lines.iter().flat_map(|line| [line.bytes(), b"\n"]).flatten().copied().collect())
    }

    /// Returns a feed of the lines of a bot from now on, until it is dropped or the monitor ends. A slow receiver misses some.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn follow(&self, name: &str) -> Result<Feed<Vec<u8>>> {
        let (sender, lines) = mpsc::sync_channel(FEED_CAPACITY);
        let guard = CancelGuard::default();
        self.sender.request(Command::Follow(name.into(), Follower::Program(sender, guard.token())), None)?;
        Ok(Feed::new(lines, guard, self.sender.clone()))
    }

    /// Returns a feed of all changes of states from now on, until it is dropped or the monitor ends. A slow receiver misses some.
    ///
    /// Counted events are not changes: there may be a million of them per second. Poll the [`status`](Commands::status) for them, as
    /// the endpoint does once a second for its clients.
    ///
    /// # Errors
    /// The monitor does not run.
    pub fn subscribe(&self) -> Result<Feed<Change>> {
        let (sender, changes) = mpsc::sync_channel(FEED_CAPACITY);
        let guard = CancelGuard::default();
        self.sender.request(Command::Subscribe(sender, guard.token()), None)?;
        Ok(Feed::new(changes, guard, self.sender.clone()))
    }

    /// Reads the configuration again: bots that are new are started, those that are gone are stopped, and only those whose
    /// programs changed are restarted. Each change is returned as one line; with `dry_run` nothing is done. Those that are gone are
    /// stopped in order, and one that was given up is started if its program changed.
    ///
    /// # Errors
    /// The configuration has mistakes: then nothing has changed. Or the monitor is stopping, or has its bots from
    /// the program and not from a file.
    pub fn reload(&self, dry_run: bool) -> Result<ReloadPlan> {
        let Some(source) = &self.source else {
            return Err(Error::new(
                ErrorKind::Configuration,
                "failed to reload: the monitor has no configuration file",
            ));
        };
        self.reload_by(|| source(dry_run), |error| error, Parallel::default(), dry_run)
    }

    /// Reads the configuration as a reload would, and puts nothing in force; `None` if there is nothing to read.
    ///
    /// # Errors
    /// The configuration cannot be read, or has mistakes.
    pub(crate) fn read_source(&self) -> Result<Option<Config>> {
        self.source.as_ref().map(|source| Ok(source(true)?.0)).transpose()
    }

    /// Reloads with a configuration that `read` returns.
    pub(crate) fn reload_by<E>(
        &self,
        read: impl FnOnce() -> Result<(Config, OnApplied), E>,
        failed: impl FnOnce(Error) -> E,
        parallel: Parallel,
        dry_run: bool,
    ) -> Result<ReloadPlan, E> {
        let _one = lock(&self.reloading);
        let (config, on_applied) = read()?;
        let plan = self.replace_by(config, parallel, dry_run).map_err(failed)?;
        if !dry_run {
            on_applied();
        }
        Ok(plan)
    }

    /// Returns the sending end of the command queue.
    pub(crate) fn sender(&self) -> &CommandSender {
        &self.sender
    }

    /// Reloads with the given configuration instead of the file.
    ///
    /// # Errors
    /// As [`reload`](Commands::reload).
    pub fn replace(&self, config: Config, dry_run: bool) -> Result<ReloadPlan> {
        self.replace_by(config, Parallel::default(), dry_run)
    }

    fn replace_by(&self, config: Config, parallel: Parallel, dry_run: bool) -> Result<ReloadPlan> {
        match self.sender.request(Command::Replace(Box::new(config), parallel, dry_run), None)? {
            Answer::Plan(plan) => Ok(*plan),
            _ => Ok(ReloadPlan::default()),
        }
    }

    /// Reopens all log files, after an external rotation such as logrotate.
    ///
    /// # Errors
    /// The monitor does not run.
    pub fn reopen_logs(&self) -> Result<()> {
        self.sender.request(Command::Reopen, None).map(drop)
    }

    /// Stops all bots, dependents first, and then the monitor. The second time everything is killed at once.
    ///
    /// # Errors
    /// It was not done in time.
    pub fn shutdown(&self, wait: Option<Duration>) -> Result<()> {
        self.sender.request(Command::Shutdown, wait).map(drop)
    }

    /// Kills all bots, and stops the monitor.
    pub(crate) fn kill(&self, wait: Duration) -> Result<()> {
        self.sender.request(Command::Kill, Some(wait)).map(drop)
    }

    /// Handles `SIGHUP`: reopens the logs and reloads the configuration, without waiting.
    pub(crate) fn hang_up(&self) {
        self.sender.post(Command::Reopen);
        if self.source.is_some() {
            if let Err(error) = self.reload(false) {
                log::error!("{error}");
            }
        }
    }

    pub(crate) fn bots(&self, command: Command, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        match self.sender.request(command, wait)? {
            Answer::Bots(bots) => Ok(bots),
            _ => Ok(Vec::new()),
        }
    }
}
