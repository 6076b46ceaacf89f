//! The monitor itself: `start`, `run`, `shutdown`.

use super::{Site, bots, status};
use crate::exit_status::{Exit, Failure};
use crate::find_config;
use crate::human_format::escape;
use crate::monitor_client::{Connection, Outcome};
use daemonize_core::{Daemon, Signal};
use daemonize_monitor::{__daemonctl, Builder, ErrorKind, Monitor};
use serde_json::json;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Stop signals that come within this time are one.
const TOGETHER: Duration = Duration::from_millis(600);

/// Set for a program that is to take over from the daemon that started it; the launch finds out whether that is true.
const RESTART_ENV: &str = "DAEMONIC_RESTART";

/// How long another `start` may take to start the monitor, as long as the launch may take in all.
const OTHER_START: Duration = Duration::from_secs(60);

/// How long the lock of a pidfile may be held that names no monitor: by a start that has just begun, or is just ending.
const BETWEEN_STARTS: Duration = Duration::from_secs(1);

/// How often one looks whether a process that is no child has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Starts the monitor if it does not run, then bots.
pub(crate) fn start(
    site: &Site,
    bots: &[String],
    arguments: &[OsString],
    wait: Option<Duration>,
) -> Result<Exit, Failure> {
    let connection = site.connection();
    // The monitor does not start what the command below starts: a program that ends at once would run twice.
    let was_up = ensure_monitor(site, &connection, bots.is_empty() && wait.is_none())?;
    if was_up {
        site.note_move();
    }
    match bots {
        [] if was_up || wait.is_some() => bots::command(site, "start", None, wait),
        [] => started(site, &connection),
        [program] if program.contains('/') => add(site, &connection, program, arguments, wait),
        _ if !arguments.is_empty() => {
            Err(Failure::new(Exit::Usage, "arguments behind `--` are for one program, named with a slash"))
        }
        _ => bots::command(site, "start", Some(&find_config::programs(bots)?), wait),
    }
}

/// Starts the monitor if it does not run, with its bots if `autostart` says so, or if it takes over from one that restarts, whose
/// bots are more than this command line says. Returns `true` if it runs already: also if another `start` has been faster.
fn ensure_monitor(site: &Site, connection: &Connection, autostart: bool) -> Result<bool, Failure> {
    // A monitor that restarts has started this one to take its place: the launch waits for its end.
    let takes_over = env::var_os(RESTART_ENV).is_some();
    let begin = Instant::now();
    loop {
        if !takes_over && connection.is_up()? {
            // A `start` of another file with the same pidfile may have been faster.
            site.refuse_foreign()?;
            return Ok(true);
        }
        // From here on there are two processes; this one goes on when the other is ready.
        let monitor = monitor(site)?.autostart(autostart || takes_over);
        let lost = __daemonctl::writing_to_nowhere(&monitor);
        match monitor.start() {
            Ok(started) => {
                for bot in lost {
                    let why = "inherits the monitor's output, and a daemon has none: what the bot writes is lost";
                    site.screen
                        .warning(&format!("bot `{bot}` {why}: write \"memory\" or a file, or use `daemonctl run`"));
                }
                if !site.screen.json {
                    site.screen.note(format!("the monitor was not running: started it as pid {}", started.pid));
                    // Later errors cannot be read in a log that is not written.
                    if let Ok(bots) = connection.bots() {
                        status::warn_of_log(site.screen, &bots.monitor);
                    }
                }
                return Ok(false);
            }
            Err(error) if !takes_over && error.kind() == ErrorKind::AlreadyRunning && may_come_up(site, begin) => {
                thread::sleep(LOOK);
            }
            Err(error) => return Err(failure(&error)),
        }
    }
}

/// Returns `true` if the monitor that another command is starting may still come up, or has just failed to, so that it is worth
/// looking again.
fn may_come_up(site: &Site, begin: Instant) -> bool {
    let status = daemon(site).status().map(|status| status.state);
    let patience = match status {
        Ok(daemonize_core::status::State::Running | daemonize_core::status::State::Starting) => OTHER_START,
        _ => BETWEEN_STARTS,
    };
    begin.elapsed() < patience
}

/// The monitor has been started, and starts its bots by itself.
fn started(site: &Site, connection: &Connection) -> Result<Exit, Failure> {
    if site.screen.json {
        let bots = connection.bots()?;
        site.screen
            .document(&json!({ "success": true, "monitor": bots.monitor, "bots": bots.bots, "failures": [] }))?;
    }
    Ok(Exit::Done)
}

/// A program that is in no configuration.
fn add(
    site: &Site,
    connection: &Connection,
    program: &str,
    arguments: &[OsString],
    wait: Option<Duration>,
) -> Result<Exit, Failure> {
    let path = find_config::absolute(Path::new(program))?;
    let text = |argument: &OsString| {
        argument.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("the argument `{}` is not UTF-8", escape(&argument.to_string_lossy())))
        })
    };
    let arguments = arguments.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let bots = match connection.add(&path, &arguments, wait.or(Some(bots::COURTESY))) {
        Err(failure) if failure.exit == Exit::Timeout && wait.is_none() => connection.named(&path.to_string_lossy())?,
        bots => bots?,
    };
    bots::report(site, "start", Outcome { bots, failures: Vec::new() }, wait.is_some())
}

/// Is the monitor, until it is told to stop.
pub(crate) fn run(site: &Site) -> Result<Exit, Failure> {
    monitor(site)?.foreground().map_err(|error| failure(&error))?;
    Ok(Exit::Done)
}

/// Tells the monitor to stop, which stops its bots first; the second time it hurries.
pub(crate) fn shutdown(site: &Site, wait: Option<Duration>) -> Result<Exit, Failure> {
    let connection = site.connection();
    let Some(pid) = connection.pid()? else {
        done(site, "the monitor is not running")?;
        return Ok(Exit::Done);
    };
    // A second signal cuts short what the first one has begun, unless they come so close together that they are one.
    let mut hurries = if connection.is_stopping() { vec![TOGETHER, Duration::ZERO] } else { Vec::new() };
    if hurries.is_empty() {
        connection.stop()?;
    }
    let patience = wait.unwrap_or_else(|| site.stop_timeout + Duration::from_secs(60));
    let begin = Instant::now();
    let end = begin + patience;
    while connection.pid()? == Some(pid) {
        if hurries.last().is_some_and(|after| begin.elapsed() >= *after) {
            hurries.pop();
            daemon(site).send(Signal::SIGTERM).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        }
        if patience.is_zero() {
            done(site, "the monitor is stopping")?;
            return Ok(Exit::Done);
        }
        if Instant::now() >= end {
            let text = format!("failed to wait for the end of pid {pid}: it still runs after {patience:?}");
            return Err(Failure::new(Exit::Timeout, text));
        }
        thread::sleep(LOOK);
    }
    done(site, "the monitor has stopped")?;
    Ok(Exit::Done)
}

fn done(site: &Site, text: &str) -> Result<(), Failure> {
    if site.screen.json {
        site.screen.document(&json!({ "success": true, "message": text }))
    } else {
        site.screen.line(text)
    }
}

fn daemon(site: &Site) -> Daemon {
    // In a path that is known nothing is to be expanded.
    let path = site.pidfile.to_str().map_or_else(|| site.pidfile.clone(), |text| text.replace('$', "$$").into());
    Daemon::new("monitor").pidfile(path)
}

fn monitor(site: &Site) -> Result<Builder, Failure> {
    let config = site.config()?.to_owned();
    if env::var_os(RESTART_ENV).is_none() {
        site.refuse_second(site.connection().pid()?)?;
    }
    let builder = Monitor::from_config(&config).map_err(|error| failure(&error))?;
    let builder = __daemonctl::reaping_all(builder);
    // One that is named is found again where the program that is started again begins: in the same directory.
    let check = move || is_found_again(&config, find_config::config(None));
    Ok(if site.is_named { builder } else { builder.check_restart(check) })
}

/// Refuses a restart after which the monitor would read another configuration than the one that was checked: a file may
/// have come since that is looked for first.
fn is_found_again(config: &Path, found: Result<PathBuf, Failure>) -> Result<(), Box<dyn Error>> {
    let found = found.map_err(|failure| failure.text)?;
    if found == config {
        return Ok(());
    }
    let (found, config) = (found.display(), config.display());
    Err(format!("it would read `{found}` and not `{config}`: shut the monitor down and start it again, or remove one")
        .into())
}

fn failure(error: &daemonize_monitor::Error) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
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
        let gone = Failure::new(Exit::Failed, "failed to find a configuration");
        assert_eq!(is_found_again(system, Err(gone)).unwrap_err().to_string(), "failed to find a configuration");
    }
}
