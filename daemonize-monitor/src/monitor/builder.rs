//! Builds a monitor: from bots that a program names, or from a configuration file.

use super::Monitor;
use crate::bot::{Bot, LogTarget};
use crate::command_queue::channel;
use crate::commands::{Commands, ConfigSource};
use crate::config::{Config, Diagnostics};
use crate::config_reload::Reloader;
use crate::console::{Console, ConsoleStyle};
use crate::daemon_setup;
use crate::error::{Error, ErrorKind, Result};
use crate::registry::Registration;
use crate::restart_check::{RestartCheck, RestartChecks};
use crate::settings::{Handler, Settings};
use daemonize_control::Endpoint;
use daemonize_core::{Daemon, Started};
use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The builder of a [`Monitor`].
pub struct Builder {
    daemon: Daemon,
    settings: Settings,
    bots: Vec<Bot>,
    source: Option<ConfigSource>,
    endpoint: Option<Endpoint>,
    autostart: bool,
    /// The file that all this comes from.
    reloader: Option<Arc<Reloader>>,
    restart_checks: Vec<RestartCheck>,
    /// `true` if the monitor also reaps children that it does not know.
    pub(crate) reaps_all: bool,
    /// The stdout of a container, on which the lines of all bots are shown.
    console: Option<Arc<Console>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("bots", &self.bots).finish_non_exhaustive()
    }
}

impl Monitor {
    /// Returns a builder for a monitor without bots. `name` appears in messages and determines the pidfile.
    pub fn builder(name: impl Into<String>) -> Builder {
        let name = name.into();
        let settings = Settings { name: name.clone(), ..Settings::default() };
        Builder {
            daemon: Daemon::new(name),
            settings,
            bots: Vec::new(),
            source: None,
            endpoint: None,
            autostart: true,
            reloader: None,
            restart_checks: Vec::new(),
            reaps_all: false,
            console: None,
        }
    }

    /// A monitor as a configuration file describes it: with its pidfile and its endpoint, and a log of its own (unless the
    /// program has set a logger of the `log` crate). A reload reads the file again.
    ///
    /// ```no_run
    /// daemonize_monitor::Monitor::from_config("/etc/daemonctl.toml")?.start()?;
    /// # Ok::<(), daemonize_monitor::Error>(())
    /// ```
    ///
    /// # Errors
    /// All errors in the file.
    pub fn from_config(path: impl AsRef<Path>) -> Result<Builder> {
        let (reloader, config) = Reloader::new(path.as_ref())?;
        let reloader = Arc::new(reloader);
        let daemon = daemon_setup::daemon(&config.settings, reloader.logger());
        let endpoint = Some(daemon_setup::endpoint(&config.settings));
        let again = Arc::clone(&reloader);
        let source: ConfigSource = Arc::new(move |dry_run| again.read(dry_run).map_err(Error::from));
        let (settings, bots) = (config.settings, config.bots);
        Ok(Builder {
            daemon,
            settings,
            bots,
            source: Some(source),
            endpoint,
            autostart: true,
            reloader: Some(reloader),
            restart_checks: Vec::new(),
            reaps_all: false,
            console: None,
        })
    }
}

impl Builder {
    /// Adds a bot.
    #[must_use]
    pub fn bot(mut self, bot: Bot) -> Builder {
        self.bots.push(bot);
        self
    }

    /// Adds bots.
    #[must_use]
    pub fn bots(mut self, bots: impl IntoIterator<Item = Bot>) -> Builder {
        self.bots.extend(bots);
        self
    }

    /// Sets the function that returns the new configuration at a reload.
    #[must_use]
    pub fn source(mut self, source: impl Fn() -> Result<Config> + Send + Sync + 'static) -> Builder {
        self.source = Some(Arc::new(move |_| Ok((source()?, Box::new(|| ())))));
        self
    }

    /// Asks this before a restart of the monitor ([`restart`](daemonize_core::restart), `POST /restart` of its endpoint), which
    /// is refused with the error that it returns: nothing is stopped then. A monitor with a [`source`](Builder::source) or a
    /// configuration refuses a restart by itself while what it would read is wrong. May be called several times; all are
    /// asked.
    #[must_use]
    pub fn check_restart(
        mut self,
        check: impl Fn() -> std::result::Result<(), Box<dyn std::error::Error>> + Send + Sync + 'static,
    ) -> Builder {
        self.restart_checks.push(Box::new(check));
        self
    }

    /// How long a stop of everything may take before everything is killed; unless set, 60 s, or 8 s as process 1 of a container,
    /// which is killed after 10 s.
    #[must_use]
    pub fn stop_timeout(mut self, time: Duration) -> Builder {
        self.settings.stop_timeout = time;
        self
    }

    /// Sets whether the bots start with the monitor that are configured to; `true` unless this is said. With `false` none runs until it is
    /// [started](Commands::start_bot). A reload starts new bots regardless.
    ///
    /// ```no_run
    /// use daemonize_monitor::{Bot, Monitor};
    ///
    /// Monitor::builder("lab").bot(Bot::new("web", "/usr/bin/web")).autostart(false).start()?;
    /// # Ok::<(), daemonize_monitor::Error>(())
    /// ```
    #[must_use]
    pub fn autostart(mut self, yes: bool) -> Builder {
        self.autostart = yes;
        self
    }

    /// Configures the monitor's own daemon: its pidfile, user, output and attachments.
    #[must_use]
    pub fn daemon(mut self, configure: impl FnOnce(Daemon) -> Daemon) -> Builder {
        self.daemon = configure(self.daemon);
        self
    }

    /// Answers on this endpoint: routes for all bots are added to it, and events and metrics of them. So a monitor without a
    /// configuration can be asked and told by any HTTP client. One with a configuration has an endpoint already, and this
    /// one instead.
    ///
    /// ```no_run
    /// use daemonize_monitor::control::Endpoint;
    /// use daemonize_monitor::{Bot, Monitor};
    ///
    /// Monitor::builder("lab").bot(Bot::new("web", "/usr/bin/web")).listen(Endpoint::new()).start()?;
    /// # Ok::<(), daemonize_monitor::Error>(())
    /// ```
    #[must_use]
    pub fn listen(mut self, endpoint: Endpoint) -> Builder {
        self.endpoint = Some(endpoint);
        self
    }

    /// Shows every line of every bot on stdout, and the messages of the monitor, unless its `log` is another place.
    pub(crate) fn show_on_stdout(&mut self, style: ConsoleStyle) {
        let names = self.bots.iter().flat_map(Bot::units).map(|bot| bot.name.chars().count());
        let console = Arc::new(Console::new(style, names.max().unwrap_or_default()));
        if let Some(reloader) = &self.reloader {
            reloader.logger().show_on(&console);
        }
        self.console = Some(console);
    }

    /// Returns the names of bots that write to a stream which the monitor, as a daemon, does not have.
    pub(crate) fn writing_to_nowhere(&self) -> Vec<String> {
        let log = self.settings.log.as_ref();
        let is_lost = |bot: &&Bot| {
            (bot.stdout == LogTarget::Inherit && log != Some(&Handler::Stdout))
                || (bot.stderr == LogTarget::Inherit && log != Some(&Handler::Stderr))
        };
        self.bots.iter().filter(is_lost).map(|bot| bot.name.clone()).collect()
    }

    /// Builds the monitor, and [starts](Monitor::start) it as a daemon.
    ///
    /// # Errors
    /// As [`build`](Builder::build), and why there is no monitor.
    pub fn start(self) -> Result<Started> {
        self.build()?.start()
    }

    /// Builds the monitor, and runs it [here](Monitor::foreground).
    ///
    /// # Errors
    /// As [`build`](Builder::build), and why there is no monitor.
    pub fn foreground(self) -> Result<Infallible> {
        self.build()?.foreground()
    }

    /// Builds the monitor.
    ///
    /// # Errors
    /// Everything that is wrong with the bots; or no descriptor is left.
    pub fn build(self) -> Result<Monitor> {
        let config = Config::new(self.settings, self.bots)?;
        let (sender, receiver) = channel().map_err(|error| Error::system("make a monitor", &error))?;
        let commands = Commands::new(sender, self.source);
        let file = self.reloader.as_ref().map(|reloader| Registration::new(reloader.path()));
        let identity = file.is_some().then(|| config.settings.clone());
        let daemon = match self.endpoint {
            Some(endpoint) => {
                let has_page = self.reloader.is_some() && config.settings.control.tcp.is_some();
                daemon_setup::listening(self.daemon, endpoint, commands.clone(), self.reloader, has_page)
            }
            None => self.daemon,
        };
        let daemon = match file {
            Some(registration) => daemon.attach(registration),
            None => daemon,
        };
        let restart_checks = RestartChecks::new(commands.clone(), identity, self.restart_checks);
        let (autostart, reaps_all) = (self.autostart, self.reaps_all);
        let console = self.console;
        Ok(Monitor { daemon, config, receiver, commands, autostart, restart_checks, reaps_all, console })
    }
}

impl From<Diagnostics> for Error {
    /// All that is wrong with a configuration, as one error.
    fn from(mistakes: Diagnostics) -> Error {
        Error::new(ErrorKind::Configuration, format!("failed to configure the monitor: {mistakes}"))
    }
}
