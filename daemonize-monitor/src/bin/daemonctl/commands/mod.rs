//! The commands, one file for those that belong together.

mod check;
mod control;
mod monitor;
mod reload;
mod status;
mod tail;
mod watch;

use crate::args::{Arguments, Command};
use crate::connect::Connection;
use crate::exit::{Exit, Failure};
use crate::find;
use crate::screen::Screen;
use clap::CommandFactory;
use daemonize_monitor::__daemonctl;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments, screen: Screen) -> Result<Exit, Failure> {
    let given = arguments.config;
    let site = || Site::find(given.as_deref(), screen);
    match arguments.command {
        Command::Start { bots, wait, arguments } => monitor::start(&site()?, &bots, &arguments, wait.wait),
        Command::Run => monitor::run(&site()?),
        Command::Shutdown { wait } => monitor::shutdown(&site()?, wait),
        Command::Stop { which, wait } => control::command(&site()?, "stop", which.names(), wait.wait),
        Command::Restart { which, wait } => control::command(&site()?, "restart", which.names(), wait.wait),
        Command::Destroy { which, wait } => control::command(&site()?, "destroy", which.names(), wait.wait),
        Command::Signal { signal, which } => control::signal(&site()?, signal, which.names()),
        Command::Event { bot, name } => control::event(&site()?, &bot, &name),
        Command::Status { bots, watch: false } => status::status(&site()?, &bots),
        Command::Status { bots, watch: true } => watch::watch(&site()?, &bots),
        Command::Reload { dry_run } => reload::reload(&site()?, dry_run),
        Command::Tail { follow, lines, stream, bot } => tail::tail(&site()?, &bot, lines, stream, follow),
        Command::Check { file } => check::check(screen, &find::config(file.or(given).as_deref())?),
        Command::Completions { shell } => {
            // Into memory first: clap_complete panics where it cannot write, and a pipe may be closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "daemonctl", &mut script);
            io::stdout().write_all(&script).and_then(|()| io::stdout().flush())?;
            Ok(Exit::Done)
        }
    }
}

/// Which monitor it is about, and where to print.
pub(crate) struct Site {
    pub(crate) screen: Screen,
    pub(crate) config: PathBuf,
    /// `true` if the user named the configuration file, `false` if it was looked for.
    pub(crate) is_named: bool,
    /// The monitor's, as far as the configuration can be read.
    pub(crate) pidfile: PathBuf,
    /// How long its shutdown may take.
    pub(crate) stop_timeout: Duration,
}

impl Site {
    fn find(given: Option<&Path>, screen: Screen) -> Result<Site, Failure> {
        let config = find::config(given)?;
        let settings = __daemonctl::settings(&config).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        let pidfile = __daemonctl::pidfile(&settings);
        let is_named = find::is_named(given);
        Ok(Site { screen, config, is_named, pidfile, stop_timeout: settings.stop_timeout })
    }

    /// Returns the names that a command is for: of a program (a name with a slash), those of its bots. What no bot runs stays
    /// as it is, to be refused with the others' outcome.
    pub(crate) fn names(&self, names: &[String]) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        for name in find::programs(names)? {
            let bots = if name.contains('/') { self.connection().named(&name) } else { Ok(Vec::new()) };
            match bots {
                Ok(bots) if !bots.is_empty() => found.extend(bots.into_iter().map(|bot| bot.name)),
                Ok(_) => found.push(name),
                Err(failure) if failure.exit == Exit::NoSuchBot => found.push(name),
                Err(failure) => return Err(failure),
            }
        }
        Ok(found)
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::to(&self.pidfile)
    }
}
