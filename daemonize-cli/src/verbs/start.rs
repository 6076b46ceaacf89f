//! The verb `start`.

use super::record::record;
use crate::exit_status::{Failed, VerbResult};
use crate::options::StartOptions;
use crate::output;
use crate::target::{LaunchWay, Subject};
use daemonize_core::status::Destination;
use daemonize_core::{Daemon, ErrorKind, Started};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Starts the daemon in the background.
pub(super) fn start(subject: &Subject<'_>, options: &StartOptions, arguments: &[OsString]) -> VerbResult {
    let daemon = subject.daemon(arguments)?;
    let name = subject.daemon_name(options.target.instance.as_ref());
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
    match subject.target.launch(daemon, arguments, way) {
        Ok(started) => {
            print_output(&started.output, &started.errors);
            output::say(name, describe(&started));
            if let Err(why) = record(name, &described, arguments) {
                output::warning(format!(
                    "the arguments were not recorded, so that `restart` will not know them: {why}"
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failed) => {
            if let Failed::Daemon(error) = &failed {
                print_output(error.output(), error.errors());
            }
            Err(failed)
        }
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

/// Prints what the starting daemon printed. It is this user's own program, so nothing is escaped.
fn print_output(output: &[u8], errors: &[u8]) {
    let _ = std::io::stdout().write_all(output).and_then(|()| std::io::stdout().flush());
    let _ = std::io::stderr().write_all(errors);
}
