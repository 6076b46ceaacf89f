//! What a running monitor can be told, from any thread.

mod feed;

pub use feed::Feed;

use crate::cancellation::CancelGuard;
use crate::command_queue::{Answer, Command, CommandSender};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::logs::{Follower, last_lines};
use crate::reload_plan::ReloadPlan;
use crate::status::{BotStatus, Change};
use daemonize_core::Signal;
use daemonize_sys::mutex::lock;
use std::fmt::{self, Display};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// So many changes or pieces of output are kept for somebody who looks on and is busy.
const FEED_CAPACITY: usize = 1024;

/// Where everything comes from when it is read again: told whether that is for a dry run, with what is left to do once the
/// engine has taken it.
pub(crate) type ConfigSource = Arc<dyn Fn(bool) -> Result<(Config, OnApplied)> + Send + Sync>;

/// Done when a configuration is in force, and not for one that was refused or only asked about.
pub(crate) type OnApplied = Box<dyn FnOnce() + Send>;

/// A handle on a running monitor: cheap to clone, usable from any thread.
///
/// A name means a bot, or all instances of one; an absolute path means the bot whose program that is. `wait` says for how long a command waits until it is done with all of
/// them (a start: until they are ready; a stop: until nobody is left); with `None` it comes back as soon as that has
/// begun. What is not done in time goes on.
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
    /// One at a time reads the bots and hands them over, so that the newest ones come last.
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

    /// Starts a bot, and those that it depends on; what it was given up for is forgiven. Does nothing to one that runs.
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

    /// Stops a bot, with all that it has started, after all that depend on it, which are stopped too.
    ///
    /// # Errors
    /// There is no such bot, or it was not gone in time.
    pub fn stop_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Stop(name.into()), wait)
    }

    /// Stops a bot as [`stop_bot`](Commands::stop_bot) does, and starts it again, and then those that were stopped with it; one
    /// that does not run is started.
    ///
    /// # Errors
    /// As [`start_bot`](Commands::start_bot).
    pub fn restart_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Restart(name.into()), wait)
    }

    /// Kills a bot and all that it has started, at once; those that depend on it are stopped. One that is in no configuration is
    /// forgotten.
    ///
    /// # Errors
    /// As [`stop_bot`](Commands::stop_bot).
    pub fn destroy_bot(&self, name: &str, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        self.bots(Command::Destroy(name.into()), wait)
    }

    /// How a bot is.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn bot_status(&self, name: &str) -> Result<Vec<BotStatus>> {
        self.bots(Command::Status(Some(name.into())), None)
    }

    /// How all bots are, in alphabetical order.
    ///
    /// # Errors
    /// The monitor does not run.
    pub fn status(&self) -> Result<Vec<BotStatus>> {
        self.bots(Command::Status(None), None)
    }

    /// The names of the bots that `name` means; none if there is no such bot.
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

    /// The last lines that a bot wrote: of its log files, or, if it has none, of what is kept in memory.
    ///
    /// # Errors
    /// There is no such bot, or its log cannot be read.
    pub fn tail(&self, name: &str, lines: usize) -> Result<Vec<u8>> {
        match self.sender.request(Command::Tail(name.into(), lines), None)? {
            Answer::Lines(lines) => Ok(lines),
            Answer::Files(places) => {
                let mut text = Vec::new();
                for place in places {
                    text.extend(last_lines(&place, lines).map_err(|error| {
                        let cause = crate::error::cause(&error);
                        Error::failed(ErrorKind::System, "read", place.path().display(), cause)
                    })?);
                }
                Ok(text)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The lines of a bot from now on, as they come, until what this returns is dropped; whoever is too slow misses some.
    /// Ends with the monitor.
    ///
    /// # Errors
    /// There is no such bot.
    pub fn follow(&self, name: &str) -> Result<Feed<Vec<u8>>> {
        let (sender, lines) = mpsc::sync_channel(FEED_CAPACITY);
        let guard = CancelGuard::default();
        self.sender.request(Command::Follow(name.into(), Follower::Program(sender, guard.token())), None)?;
        Ok(Feed::new(lines, guard, self.sender.clone()))
    }

    /// Every change of a bot's state from now on, until what this returns is dropped; whoever is too slow misses some. Ends with
    /// the monitor.
    ///
    /// What bots count is no change: it may be a million events in a second. Whoever wants to see it looks at the
    /// [`status`](Commands::status) now and then, as the endpoint does once a second for those who read its events.
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
    /// programs changed are restarted. What is done is told, one line for each; with `dry_run` nothing is done. Those that are gone are
    /// stopped in order, and one that was given up is started if its program changed.
    ///
    /// # Errors
    /// What is wrong with the configuration: then nothing has changed. Or the monitor is stopping, or has its bots from
    /// the program and not from a file.
    pub fn reload(&self, dry_run: bool) -> Result<ReloadPlan> {
        let Some(source) = &self.source else {
            return Err(Error::new(
                ErrorKind::Configuration,
                "failed to reload: the monitor has no configuration file",
            ));
        };
        self.reload_by(|| source(dry_run), |error| error, dry_run)
    }

    /// Reads the configuration as a reload would, and puts nothing in force; `None` if there is nothing to read.
    ///
    /// # Errors
    /// The configuration cannot be read, or has mistakes.
    pub(crate) fn read_source(&self) -> Result<Option<Config>> {
        self.source.as_ref().map(|source| Ok(source(true)?.0)).transpose()
    }

    /// The same with a configuration that `read` brings.
    pub(crate) fn reload_by<E>(
        &self,
        read: impl FnOnce() -> Result<(Config, OnApplied), E>,
        failed: impl FnOnce(Error) -> E,
        dry_run: bool,
    ) -> Result<ReloadPlan, E> {
        let _one = lock(&self.reloading);
        let (config, on_applied) = read()?;
        let plan = self.replace(config, dry_run).map_err(failed)?;
        if !dry_run {
            on_applied();
        }
        Ok(plan)
    }

    /// Returns the sending end of the command queue.
    pub(crate) fn sender(&self) -> &CommandSender {
        &self.sender
    }

    /// As [`reload`](Commands::reload), with a configuration that a program has made.
    ///
    /// # Errors
    /// As [`reload`](Commands::reload).
    pub fn replace(&self, config: Config, dry_run: bool) -> Result<ReloadPlan> {
        match self.sender.request(Command::Replace(Box::new(config), dry_run), None)? {
            Answer::Plan(plan) => Ok(*plan),
            _ => Ok(ReloadPlan::default()),
        }
    }

    /// Opens all log files again, after something else has put the old ones aside.
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

    /// Kills everything, and stops the monitor.
    pub(crate) fn kill(&self, wait: Duration) -> Result<()> {
        self.sender.request(Command::Kill, Some(wait)).map(drop)
    }

    /// As a signal's handler does it: nobody waits.
    pub(crate) fn hang_up(&self) {
        self.sender.post(Command::Reopen);
        if self.source.is_some() {
            if let Err(error) = self.reload(false) {
                log::error!("{error}");
            }
        }
    }

    fn bots(&self, command: Command, wait: Option<Duration>) -> Result<Vec<BotStatus>> {
        match self.sender.request(command, wait)? {
            Answer::Bots(bots) => Ok(bots),
            _ => Ok(Vec::new()),
        }
    }
}
