//! The monitor: what is configured, and the daemon that it is.

use crate::bot::Bot;
use crate::commands::{Commands, Source};
use crate::engine::{Engine, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::orders::{Inbox, desk};
use daemonize_core::{Attachment, Daemon, Handle, Phase, Ready, Signal, Started};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// How long a stop of everything may take, unless that is said.
const SHUTDOWN: Duration = Duration::from_secs(60);

/// How much longer the daemon waits than everything may take: nobody is left after SIGKILL.
const BEYOND_SHUTDOWN: Duration = Duration::from_secs(10);

/// How long a stop that was asked for twice, or took too long, may take once everything is killed.
const LAST: Duration = Duration::from_millis(900);

/// Keeps bots alive, as a daemon or in the foreground. See [`Monitor::builder`].
pub struct Monitor {
    daemon: Daemon,
    bots: Vec<Bot>,
    inbox: Inbox,
    commands: Commands,
    shutdown_timeout: Duration,
}

/// What a monitor is to be.
pub struct Builder {
    daemon: Daemon,
    bots: Vec<Bot>,
    source: Option<Source>,
    shutdown_timeout: Duration,
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("bots", &self.bots).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("bots", &self.bots).finish_non_exhaustive()
    }
}

impl Monitor {
    /// A monitor without bots, called `name`: in messages, and for its pidfile.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder { daemon: Daemon::new(name), bots: Vec::new(), source: None, shutdown_timeout: SHUTDOWN }
    }

    /// What it can be told once it runs. A handle made before it starts is good in the daemon, for what is attached to it.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// The daemon that it will be: to stop it, or to ask for its status, from another process.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Starts the monitor as a daemon; comes back when every bot that starts with it was begun.
    ///
    /// # Errors
    /// Why there is no monitor; one runs already, for example.
    pub fn start(self) -> Result<Started> {
        let (daemon, body) = self.prepare();
        daemon.run(body).start().map_err(Error::from)
    }

    /// Runs the monitor here, and ends the process with it.
    ///
    /// # Errors
    /// Why there is no monitor.
    pub fn foreground(self) -> Result<Infallible> {
        let (daemon, body) = self.prepare();
        daemon.run(body).foreground().map_err(Error::from)
    }

    /// The daemon, and what it does.
    fn prepare(self) -> (Daemon, impl FnOnce() -> Result<()> + Send + 'static) {
        let over = Arc::new(AtomicBool::new(false));
        let last_resort = LastResort { commands: self.commands.clone(), over: Arc::clone(&over) };
        let commands = self.commands.clone();
        let journal = self.daemon.pidfile_path().with_extension("journal");
        let daemon = self
            .daemon
            .ready(Ready::Manual)
            .grace(self.shutdown_timeout.saturating_add(BEYOND_SHUTDOWN))
            .handle(Signal::SIGHUP, move || commands.hang_up())
            .attach(last_resort);
        let (inbox, bots, shutdown_timeout) = (self.inbox, self.bots, self.shutdown_timeout);
        let body = move || {
            let failed = |error: std::io::Error| Error::system("hear of a stop", &error);
            let stopping = Some(daemonize_core::wait_handle().map_err(failed)?);
            let ready = || daemonize_core::ready().map_err(Error::from);
            let plan = Plan { bots, inbox, journal: Some(journal), shutdown_timeout, stopping, ready: Box::new(ready) };
            let outcome = Engine::new(plan).and_then(Engine::run);
            over.store(true, SeqCst);
            outcome
        };
        (daemon, body)
    }
}

/// When the daemon is ended although the engine is not done (told to stop twice, or out of time), nobody is left alive.
struct LastResort {
    commands: Commands,
    over: Arc<AtomicBool>,
}

impl Attachment for LastResort {
    fn start(&self, _: Handle) -> std::result::Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }

    fn phase(&self, _: Phase) {}

    fn end(&self) {
        if !self.over.load(SeqCst) {
            let _ = self.commands.kill(LAST);
        }
    }
}

impl Builder {
    /// One more bot.
    #[must_use]
    pub fn bot(mut self, bot: Bot) -> Builder {
        self.bots.push(bot);
        self
    }

    /// More bots.
    #[must_use]
    pub fn bots(mut self, bots: impl IntoIterator<Item = Bot>) -> Builder {
        self.bots.extend(bots);
        self
    }

    /// Where the bots are read again at a reload.
    #[must_use]
    pub fn source(mut self, source: impl Fn() -> Result<Vec<Bot>> + Send + Sync + 'static) -> Builder {
        self.source = Some(Arc::new(source));
        self
    }

    /// How long a stop of everything may take before everything is killed; 60 s unless this is said.
    #[must_use]
    pub fn shutdown_timeout(mut self, time: Duration) -> Builder {
        self.shutdown_timeout = time;
        self
    }

    /// What the daemon is like: its pidfile, its user, its own output, what is attached to it.
    #[must_use]
    pub fn daemon(mut self, configure: impl FnOnce(Daemon) -> Daemon) -> Builder {
        self.daemon = configure(self.daemon);
        self
    }

    /// The monitor.
    ///
    /// # Errors
    /// Two bots have one name, one depends on a bot that is not there or on itself, or no descriptor is left.
    pub fn build(self) -> Result<Monitor> {
        let bots: Vec<Bot> = self.bots.iter().flat_map(Bot::units).collect();
        check(&bots)?;
        let (desk, inbox) = desk().map_err(|error| Error::system("make a monitor", &error))?;
        let commands = Commands::new(desk, self.source);
        Ok(Monitor { daemon: self.daemon, bots, inbox, commands, shutdown_timeout: self.shutdown_timeout })
    }
}

/// Whether these bots can be kept together.
pub(crate) fn check(bots: &[Bot]) -> Result<()> {
    let wrong = |text: String| Err(Error::new(ErrorKind::Configuration, format!("failed to configure the monitor: {text}")));
    let mut names = BTreeSet::new();
    for bot in bots {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+:".contains(&byte);
        if bot.name.is_empty() || !bot.name.bytes().all(fits) {
            return wrong(format!("the name of bot `{}` has other characters than letters, digits and `-_.@+`", bot.name.escape_debug()));
        }
        if !names.insert(&*bot.name) {
            return wrong(format!("two bots are called `{}`", bot.name));
        }
    }
    let families: BTreeSet<&str> = bots.iter().map(Bot::family).collect();
    for bot in bots {
        if let Some(unknown) = bot.depends_on.iter().find(|name| !names.contains(&&***name) && !families.contains(&***name)) {
            return wrong(format!("bot `{}` depends on `{unknown}`, which is not there", bot.name));
        }
    }
    cycle(bots).map_or(Ok(()), |name| wrong(format!("bot `{name}` depends on itself, by way of others or not")))
}

/// A bot that would wait for itself for ever: what is left when all are taken away that wait for nobody who is left.
fn cycle(bots: &[Bot]) -> Option<&str> {
    let mut left: Vec<&Bot> = bots.iter().collect();
    loop {
        let means = |name: &String, bot: &Bot| *name == bot.name || name == bot.family();
        let waits = |bot: &&&Bot| bot.depends_on.iter().any(|name| left.iter().any(|other| means(name, other)));
        let next: Vec<&Bot> = left.iter().filter(waits).copied().collect();
        if next.len() == left.len() {
            return next.first().map(|bot| &*bot.name);
        }
        left = next;
    }
}
