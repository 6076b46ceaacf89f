//! The verbs of a daemon's program, as a `clap::Subcommand`.

use crate::options::{LogsOptions, ReloadOptions, SendOptions, StartOptions, StatusOptions, TargetOptions};
use crate::service_verb::ServiceVerb;

/// The verbs of a daemon, for programs with a command line of their own: see [`Program::dispatch`](crate::Program::dispatch).
///
/// ```no_run
/// use clap::Parser;
/// use daemon::Daemon;
/// use daemon::cli::{Program, Verb};
/// use std::process::ExitCode;
///
/// #[derive(clap::Parser)]
/// enum Command {
///     /// Import a file
///     Import { file: std::path::PathBuf },
///     /// Start, stop and inspect the daemon
///     #[command(subcommand)]
///     Daemon(Verb),
/// }
///
/// fn main() -> ExitCode {
///     match Command::parse() {
///         Command::Import { .. } => ExitCode::SUCCESS,
///         Command::Daemon(verb) => {
///             let daemon = Daemon::new("myd").run(|| while !daemon::stopping() {});
///             Program::new("myd").dispatch(verb, daemon)
///         }
///     }
/// }
/// ```
#[derive(clap::Subcommand, Clone, Debug)]
#[non_exhaustive]
pub enum Verb {
    /// Start the daemon in the background
    Start(StartOptions),
    /// Run the daemon in the foreground
    Run(StartOptions),
    /// Stop the daemon
    Stop(TargetOptions),
    /// Stop the daemon and start it, with the arguments of its last start unless new ones are given
    Restart(StartOptions),
    /// Restart the daemon if it runs
    TryRestart(TargetOptions),
    /// Have the daemon reload its configuration, and wait until it has
    Reload(ReloadOptions),
    /// Show whether the daemon runs, and how it ended
    Status(StatusOptions),
    /// Send the daemon a signal
    Send(SendOptions),
    /// Print the log of the daemon
    Logs(LogsOptions),
    /// Install, remove and inspect a service of the machine's service manager
    #[command(subcommand, display_order = 100)]
    Service(ServiceVerb),
}

impl Verb {
    /// Returns `true` if exit statuses are those of LSB init scripts.
    pub(crate) fn lsb(&self) -> bool {
        match self {
            Verb::Start(options) | Verb::Run(options) | Verb::Restart(options) => options.target.lsb,
            Verb::Stop(options) | Verb::TryRestart(options) => options.lsb,
            Verb::Reload(options) => options.target.lsb,
            Verb::Status(options) => options.target.lsb,
            Verb::Send(options) => options.target.lsb,
            Verb::Logs(options) => options.target.lsb,
            Verb::Service(_) => false,
        }
    }

    /// Returns the name on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Verb::Start(_) => "start",
            Verb::Run(_) => "run",
            Verb::Stop(_) => "stop",
            Verb::Restart(_) => "restart",
            Verb::TryRestart(_) => "try-restart",
            Verb::Reload(_) => "reload",
            Verb::Status(_) => "status",
            Verb::Send(_) => "send",
            Verb::Logs(_) => "logs",
            Verb::Service(_) => "service",
        }
    }
}
