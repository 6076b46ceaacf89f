//! `start` and `run`: starts the monitor, as a daemon or in the foreground.

use super::{CommandContext, bots, console, status};
use crate::args::RunArguments;
use crate::bot_filter;
use crate::bulk_client::CommandOutcome;
use crate::exit_status::{CliError, ExitStatus};
use crate::find_config;
use crate::human_format::escape;
use crate::monitor_client::Connection;
use daemonize_core::Daemon;
use daemonize_monitor::{__daemonctl, Builder, ErrorKind, Monitor};
use serde_json::json;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Set for a program that is to take over from the daemon that started it; the launch finds out whether that is true.
const RESTART_ENV: &str = "DAEMONIC_RESTART";

/// The longest wait for another `start` to start the monitor: the timeout of a whole launch.
const OTHER_START_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the lock of a pidfile may be held that names no monitor: by a start that has just begun, or is just ending.
const PIDFILE_LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the state of a process that is not a child is polled.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Starts the monitor if it does not run, then bots.
pub(crate) fn start(
    context: &CommandContext,
    bots: &[String],
    arguments: &[OsString],
    wait: Option<Duration>,
) -> Result<ExitStatus, CliError> {
    let connection = context.connection();
    // The monitor does not start what the command below starts: a program that ends at once would run twice.
    let was_up = ensure_monitor(context, &connection, bots.is_empty() && wait.is_none())?;
    if was_up {
        context.note_move();
    }
    match bots {
        [] if was_up || wait.is_some() => bots::command(context, "start", None, wait),
        [] => started(context, &connection),
        [program] if program.contains('/') => add(context, &connection, program, arguments, wait),
        _ if !arguments.is_empty() => {
            Err(CliError::new(ExitStatus::Usage, "arguments behind `--` are for one program, named with a slash"))
        }
        _ => {
            bots.iter().try_for_each(|bot| bot_filter::selector(bot).map(drop))?;
            bots::command(context, "start", Some(&find_config::programs(bots)?), wait)
        }
    }
}

/// Starts the monitor if it does not run, with its bots if `autostart` says so, or if it takes over from one that restarts, whose
/// bots are more than this command line says. Returns `true` if it runs already: also if another `start` has been faster.
fn ensure_monitor(context: &CommandContext, connection: &Connection, autostart: bool) -> Result<bool, CliError> {
    // A monitor that restarts has started this one to take its place: the launch waits for its end.
    let takes_over = env::var_os(RESTART_ENV).is_some();
    let begin = Instant::now();
    loop {
        // The launch finds out by the lock if the pidfile says nothing certain.
        if !takes_over && connection.is_up().unwrap_or(false) {
            // A `start` of another file with the same pidfile may have been faster.
            context.refuse_foreign()?;
            return Ok(true);
        }
        // From here on there are two processes; this one goes on when the other is ready.
        let monitor = monitor(context)?.autostart(autostart || takes_over);
        let lost = __daemonctl::writing_to_nowhere(&monitor);
        match monitor.start() {
            Ok(started) => {
                for bot in lost {
                    let why = "inherits the monitor's output, and a daemon has none: what the bot writes is lost";
                    context
                        .output
                        .warning(&format!("bot `{bot}` {why}: write \"memory\" or a file, or use `daemonctl run`"));
                }
                if !context.output.json {
                    context.output.note(format!("the monitor was not running: started it as pid {}", started.pid));
                    // Later errors cannot be read in a log that is not written.
                    if let Ok(bots) = connection.bots() {
                        status::warn_of_log(context.output, &bots.monitor);
                    }
                }
                return Ok(false);
            }
            Err(error) if !takes_over && error.kind() == ErrorKind::AlreadyRunning && may_come_up(context, begin) => {
                thread::sleep(POLL_INTERVAL);
            }
            Err(error) => return Err(failure(&error)),
        }
    }
}

/// Returns `true` if the monitor that another command is starting may still come up, or has just failed to, so that it is worth
/// looking again.
fn may_come_up(context: &CommandContext, begin: Instant) -> bool {
    let status = daemon(context).status().map(|status| status.state);
    let patience = match status {
        Ok(daemonize_core::status::State::Running | daemonize_core::status::State::Starting) => OTHER_START_TIMEOUT,
        _ => PIDFILE_LOCK_TIMEOUT,
    };
    begin.elapsed() < patience
}

/// The monitor has been started, and starts its bots by itself.
fn started(context: &CommandContext, connection: &Connection) -> Result<ExitStatus, CliError> {
    if context.output.json {
        let bots = connection.bots()?;
        context
            .output
            .document(&json!({ "success": true, "monitor": bots.monitor, "bots": bots.bots, "failures": [] }))?;
    }
    Ok(ExitStatus::Done)
}

/// A program that is in no configuration.
fn add(
    context: &CommandContext,
    connection: &Connection,
    program: &str,
    arguments: &[OsString],
    wait: Option<Duration>,
) -> Result<ExitStatus, CliError> {
    let path = find_config::absolute(Path::new(program))?;
    let text = |argument: &OsString| {
        argument.to_str().map(str::to_owned).ok_or_else(|| {
            CliError::new(
                ExitStatus::Usage,
                format!("the argument `{}` is not UTF-8", escape(&argument.to_string_lossy())),
            )
        })
    };
    let arguments = arguments.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let bots = match connection.add(&path, &arguments, wait.or(Some(bots::SETTLE_TIMEOUT))) {
        Err(failure) if failure.exit == ExitStatus::Timeout && wait.is_none() => {
            connection.named(&path.to_string_lossy())?
        }
        bots => bots?,
    };
    bots::report(context, "start", CommandOutcome { bots, also: Vec::new(), failures: Vec::new() }, wait.is_some())
}

/// Runs the monitor in the foreground until it is stopped.
pub(crate) fn run(context: &CommandContext, how: RunArguments) -> Result<ExitStatus, CliError> {
    let monitor = monitor(context)?;
    let monitor = match console::style(context.output, how) {
        Some(style) => __daemonctl::showing_on_stdout(monitor, style),
        None => monitor,
    };
    monitor.foreground().map_err(|error| failure(&error))?;
    Ok(ExitStatus::Done)
}

pub(super) fn daemon(context: &CommandContext) -> Daemon {
    // In a path that is known nothing is to be expanded.
    let path = context.pidfile.to_str().map_or_else(|| context.pidfile.clone(), |text| text.replace('$', "$$").into());
    Daemon::new("monitor").pidfile(path)
}

fn monitor(context: &CommandContext) -> Result<Builder, CliError> {
    let config = context.config()?.to_owned();
    if env::var_os(RESTART_ENV).is_none() {
        context.refuse_second()?;
    }
    let builder = Monitor::from_config(&config).map_err(|error| failure(&error))?;
    let builder = __daemonctl::reaping_all(builder);
    // One that is named is found again where the program that is started again begins: in the same directory.
    let check = move || is_found_again(&config, find_config::config(None));
    Ok(if context.is_named { builder } else { builder.check_restart(check) })
}

/// Refuses a restart after which the monitor would read another configuration than the one that was checked: a file may
/// have come since that is looked for first.
fn is_found_again(config: &Path, found: Result<PathBuf, CliError>) -> Result<(), Box<dyn Error>> {
    let found = found.map_err(|failure| failure.text)?;
    if found == config {
        return Ok(());
    }
    let (found, config) = (found.display(), config.display());
    Err(format!("it would read `{found}` and not `{config}`: shut the monitor down and start it again, or remove one")
        .into())
}

fn failure(error: &daemonize_monitor::Error) -> CliError {
    CliError::new(ExitStatus::Failed, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6.31.
    #[test]
    fn restart_with_another_file_than_the_one_that_was_checked_is_refused() {
        let (own, system) = (Path::new("/home/ada/.config/daemonctl.toml"), Path::new("/etc/daemonctl.toml"));
        assert!(is_found_again(system, Ok(system.to_owned())).is_ok());
        let refused = is_found_again(system, Ok(own.to_owned())).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("it would read `{}` and not `{}`", own.display(), system.display())));
        let gone = CliError::new(ExitStatus::Failed, "failed to find a configuration");
        assert_eq!(is_found_again(system, Err(gone)).unwrap_err().to_string(), "failed to find a configuration");
    }
}
