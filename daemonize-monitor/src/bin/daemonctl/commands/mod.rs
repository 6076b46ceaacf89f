//! The commands, one file for those that belong together.

mod bots;
mod check;
mod context;
mod reload;
mod start;
mod status;
mod tail;
mod watch;

use crate::args::{Arguments, Command};
use crate::exit_status::{Exit, Failure};
use crate::find_config;
use crate::output::Screen;
use clap::CommandFactory;
pub(crate) use context::Site;
use std::io::{self, Write};

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments, screen: Screen) -> Result<Exit, Failure> {
    let given = arguments.config;
    let pidfile = arguments.pidfile;
    let site = || Site::find(given.as_deref(), pidfile.as_deref(), screen);
    match arguments.command {
        Command::Start { bots, wait, arguments } => start::start(&site()?, &bots, &arguments, wait.wait),
        Command::Run => start::run(&site()?),
        Command::Shutdown { wait } => start::shutdown(&site()?, wait),
        Command::Stop { which, wait } => bots::command(&site()?, "stop", which.names(), wait.wait),
        Command::Restart { which, wait } => bots::command(&site()?, "restart", which.names(), wait.wait),
        Command::Destroy { which, wait } => bots::command(&site()?, "destroy", which.names(), wait.wait),
        Command::Signal { signal, which } => bots::signal(&site()?, signal, which.names()),
        Command::Event { bot, name } => bots::event(&site()?, &bot, &name),
        Command::Status { bots, watch: false } => status::status(&site()?, &bots),
        Command::Status { bots, watch: true } => watch::watch(&site()?, &bots),
        Command::Reload { dry_run } => reload::reload(&site()?, dry_run),
        Command::Tail { follow, lines, stream, bot } => tail::tail(&site()?, &bot, lines, stream, follow),
        Command::Check { .. } | Command::Completions { .. } if pidfile.is_some() => {
            Err(Failure::new(Exit::Usage, "`--pidfile` is for commands to a monitor that runs"))
        }
        Command::Check { file } => check::check(screen, &find_config::config(file.or(given).as_deref())?),
        Command::Completions { shell } => {
            // Into memory first: clap_complete panics where it cannot write, and a pipe may be closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "daemonctl", &mut script);
            io::stdout().write_all(&script).and_then(|()| io::stdout().flush())?;
            Ok(Exit::Done)
        }
    }
}
