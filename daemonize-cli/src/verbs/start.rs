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
use daemonize_service::{Action, Managed, Manager};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// The time in which a daemon writes its pidfile once a service manager has executed its program.
const RUNNING_TIMEOUT: Duration = Duration::from_secs(10);

/// The interval at which the pidfile is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

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
            return say_where(&Located { daemon, name, record: None, distrusted: None }, &managed, Action::Start);
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
///
/// # Errors
/// It does not run, although a supervisor has executed its program: unlike systemd, a supervisor does not tell whether that has failed.
pub(super) fn say_where(located: &Located, managed: &Managed, action: Action) -> VerbResult {
    let (name, daemon) = (&located.name, &located.daemon);
    let is_supervised = managed.manager() != Manager::Systemd && !daemon.settings().has_no_pidfile();
    let within = if is_supervised { RUNNING_TIMEOUT } else { Duration::ZERO };
    match status_once_running(daemon, within)? {
        Status { state: State::Running, pid: Some(pid), .. } => {
            output::say(name, format_args!("started, pid {pid}"));
        }
        status if is_supervised => {
            let seconds = RUNNING_TIMEOUT.as_secs();
            let text =
                format!("{} has executed it, but after {seconds} s: {status}; its log may tell why", managed.manager());
            return Err(Failed::to(action.name(), name, text));
        }
        status => output::say(name, status),
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the status of a daemon as soon as it runs, or after a time: a supervisor does not wait for its pidfile.
fn status_once_running(daemon: &Daemon, within: Duration) -> Result<Status, Failed> {
    let deadline = Instant::now() + within;
    loop {
        let status = daemon.status()?;
        if status.state == State::Running || Instant::now() >= deadline {
            return Ok(status);
        }
        thread::sleep(POLL_INTERVAL);
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
