//! The commands, one file for those that belong together.

mod bots;
mod check;
mod completions;
mod console;
mod context;
mod freeze;
mod import;
mod init;
mod log;
mod log_printer;
mod open;
mod reload;
mod schema;
mod show;
mod shutdown;
mod start;
mod status;
mod stop;
mod tail;
mod watch;

use crate::args::{Arguments, CliCommand, ShowArguments};
use crate::exit_status::{CliError, ExitStatus};
use crate::find_config;
use crate::output::Output;
pub(crate) use completions::answer_shell;
pub(crate) use context::CommandContext;

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments, output: Output) -> Result<ExitStatus, CliError> {
    let given = arguments.config;
    let pidfile = arguments.pidfile;
    let context = || CommandContext::find(given.as_deref(), pidfile.as_deref(), output);
    let to_start = || CommandContext::find_to_start(given.as_deref(), pidfile.as_deref(), output);
    match arguments.command {
        CliCommand::Start { bots, wait, arguments } => start::start(&to_start()?, &bots, &arguments, wait.wait),
        CliCommand::Run(how) => start::run(&to_start()?, how),
        CliCommand::Shutdown { wait } => shutdown::shutdown(&context()?, wait),
        CliCommand::Stop(which) => stop::command(&context()?, "stop", &which, None),
        CliCommand::Restart { stop, parallel } => stop::command(&context()?, "restart", &stop, parallel.parallel),
        CliCommand::Destroy(which) => stop::command(&context()?, "destroy", &which, None),
        CliCommand::Freeze(which) => freeze::command(&context()?, "freeze", &which),
        CliCommand::Thaw(which) => freeze::command(&context()?, "thaw", &which),
        CliCommand::Signal { signal, which } => bots::signal(&context()?, signal, which.names()),
        CliCommand::Event { bot, name } => bots::event(&context()?, &bot, &name),
        CliCommand::Status { bots, states, watch: false } => status::status(&context()?, &bots, &states),
        CliCommand::Status { bots, states, watch: true } => watch::watch(&context()?, &bots, &states),
        CliCommand::Show(ShowArguments { bots, exits }) => show::show(&context()?, &bots, exits),
        CliCommand::Tail(what) => tail::tail(&context()?, &what),
        CliCommand::Log(selection) => log::log(&context()?, &selection),
        CliCommand::Reload { dry_run, parallel, wait } => {
            reload::reload(&context()?, dry_run, parallel.parallel, wait.wait)
        }
        CliCommand::Open => open::open(&context()?),
        CliCommand::Check { .. } if pidfile.is_some() => {
            Err(CliError::new(ExitStatus::Usage, "`--pidfile` is for commands to a monitor that runs"))
        }
        CliCommand::Check { file } => check::check(output, &find_config::config(file.or(given).as_deref())?),
        CliCommand::Init(arguments) => init::init(output, arguments.file.or(given).as_deref()),
        CliCommand::Schema => schema::schema(output),
        CliCommand::Import(arguments) => import::import(output, &arguments),
        CliCommand::Completions { shell } => completions::completions(shell),
    }
}
