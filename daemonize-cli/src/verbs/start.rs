//! The verb `start`, and the launch in the background that it shares with `restart`.

use super::failed_start::FailedStart;
use super::locate::Located;
use super::progress::Progress;
use super::record::record;
use super::service_manager::{perform, refuse_arguments, service};
use crate::exit_status::{Failed, VerbResult};
use crate::options::StartOptions;
use crate::output;
use crate::target::{LaunchWay, Subject};
use daemonize_core::status::{Destination, State};
use daemonize_core::{Daemon, ErrorKind, Started, Status};
use daemonize_service::Action;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Starts the daemon in the background.
pub(super) fn start(subject: &Subject<'_>, options: &StartOptions, arguments: &[OsString]) -> VerbResult {
    let daemon = subject.daemon(arguments)?;
    let name = subject.daemon_name(options.target.instance.as_ref());
    let status = daemon.status()?;
    if status.state != State::Running {
        if let Some(managed) = service(&name, None)? {
            if !options.without_choice(arguments).is_empty() {
                return Err(refuse_arguments(&managed, &name, Action::Start));
            }
            perform(&managed, Action::Start, &name)?;
            say_where(&Located { daemon, name, record: None, distrusted: None });
            return Ok(ExitCode::SUCCESS);
        }
    }
    match launch(subject, &name, daemon, arguments, &LaunchWay::Start) {
        Err(Failed::Daemon(error)) if subject.lsb && matches!(error.kind(), ErrorKind::AlreadyRunning { .. }) => {
            output::say(&name, error);
            Ok(ExitCode::SUCCESS)
        }
        result => result,
    }
}

/// Launches the daemon in the background, records the start, and says where the daemon is.
pub(super) fn launch(
    subject: &Subject<'_>,
    name: &str,
    daemon: Daemon,
    arguments: &[OsString],
    way: &LaunchWay,
) -> VerbResult {
    let daemon = daemon.default_log();
    let described = daemon.clone();
    let report = FailedStart::prepare(&daemon);
    let progress = Progress::new(name);
    let started = subject.target.launch(progress.watch(daemon), arguments, way);
    progress.end();
    match started {
        Ok(started) => {
            print_output(&started.output, &started.errors);
            output::say(name, describe(&started));
            if let Err(why) = record(name, &described, arguments) {
                let effect = "so that `restart` will not know them";
                output::warning(format!("the arguments of this start were not recorded, {effect}: {why}"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failed) => {
            if let Failed::Daemon(error) = &failed {
                print_output(error.output(), error.errors());
                // Captured output is in the log as well.
                if error.output().is_empty() && error.errors().is_empty() {
                    report.print(error);
                }
            }
            Err(failed)
        }
    }
}

/// Says where a daemon is that its service manager has started.
pub(super) fn say_where(located: &Located) {
    match located.daemon.status() {
        Ok(Status { state: State::Running, pid: Some(pid), .. }) => {
            output::say(&located.name, format_args!("started, pid {pid}"));
        }
        Ok(status) => output::say(&located.name, status),
        Err(error) => output::warning(error),
    }
}

/// Returns `started, pid 4711, log /home/me/.local/state/myd@host.log`.
fn describe(started: &Started) -> String {
    let (pid, stdout, stderr) = (started.pid, &started.stdout, &started.stderr);
    match (stdout, stderr) {
        (Destination::File(log), _) if stdout == stderr => format!("started, pid {pid}, log {}", log.display()),
        (Destination::Null, Destination::Null) => format!("started, pid {pid}, without a log"),
        _ => format!("started, pid {pid}, stdout to {stdout}, stderr to {stderr}"),
    }
}

/// Prints what the starting daemon printed. It is the program of this user, so nothing is escaped.
fn print_output(output: &[u8], errors: &[u8]) {
    let _ = io::stdout().write_all(output).and_then(|()| io::stdout().flush());
    let _ = io::stderr().write_all(errors);
}
