//! The verbs `restart` and `try-restart`.

use super::locate::{Located, locate};
use super::other_users;
use super::service_manager::{perform, refuse_arguments, service};
use super::start::{launch, say_where};
use crate::exit_status::{Failed, FailureClass, VerbResult};
use crate::options::{StartOptions, TargetOptions};
use crate::output;
use crate::start_record::StartRecord;
use crate::target::{LaunchWay, Subject};
use daemonize_core::status::State;
use daemonize_core::{Daemon, ErrorKind, Status};
use daemonize_service::{Action, Managed};
use daemonize_sys::error::cause;
use daemonize_sys::escape::escape_bytes;
use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// Stops the daemon and starts it, with the arguments of its last start unless there are new ones.
pub(super) fn restart(subject: &Subject<'_>, options: &StartOptions, arguments: &[OsString]) -> VerbResult {
    let located = locate(subject, &options.target);
    let status = located.daemon.status()?;
    let has_arguments = !options.without_choice(arguments).is_empty();
    if let Some(managed) = service(&located.name, running_pid(&status))? {
        return restart_service(&located, &managed, has_arguments, Action::Restart);
    }
    // A daemon that was started by hand, beside a service that is installed: the service takes its place.
    if let Some(managed) = service(&located.name, None)? {
        if has_arguments {
            return Err(refuse_arguments(&managed, &located.name, Action::Restart));
        }
        located.daemon.stop()?;
        return restart_service(&located, &managed, false, Action::Start);
    }
    if has_arguments {
        return restart_with(subject, located, arguments);
    }
    restart_as_before(subject, located, options)
}

/// Restarts the daemon if it runs.
pub(super) fn try_restart(subject: &Subject<'_>, options: &TargetOptions) -> VerbResult {
    let located = locate(subject, options);
    let status = located.daemon.status()?;
    if let Some(managed) = service(&located.name, running_pid(&status))? {
        if status.state == State::Running {
            return restart_service(&located, &managed, false, Action::TryRestart);
        }
        // It may run without a pidfile that is known here: the manager decides.
        perform(&managed, Action::TryRestart, &located.name)?;
    }
    if status.state != State::Running {
        output::say(&located.name, "not running");
        other_users::mention(&located.daemon, &located.name);
        return Ok(ExitCode::SUCCESS);
    }
    let options = StartOptions { target: options.clone(), ..StartOptions::default() };
    restart_as_before(subject, located, &options)
}

fn restart_service(located: &Located, managed: &Managed, has_arguments: bool, action: Action) -> VerbResult {
    if has_arguments {
        return Err(refuse_arguments(managed, &located.name, action));
    }
    // Supervisors without such an action start what has ended.
    if !perform(managed, action, &located.name)? {
        located.daemon.stop()?;
    }
    say_where(located, managed, action)
}

/// Restarts the daemon with the arguments of its last start, in the directory of that start.
fn restart_as_before(subject: &Subject<'_>, located: Located, options: &StartOptions) -> VerbResult {
    let Some(record) = located.record.clone() else {
        if let Some(why) = &located.distrusted {
            return Err(Failed::to(
                "restart",
                &located.name,
                format_args!(
                    "the arguments of its last start are not known: {why}; remove that file, or give the arguments"
                ),
            ));
        }
        return restart_with(subject, located, &options.to_arguments());
    };
    enter_directory(&located, &record)?;
    check_arguments(subject, &located, &record)?;
    if !record.arguments.is_empty() {
        output::say(&located.name, format_args!("with the arguments of its last start: {}", shown(&record.arguments)));
    }
    restart_with(subject, located, &options.with_log_level(&record.arguments))
}

/// Restarts the daemon with these arguments. They and the settings are checked before it is stopped.
fn restart_with(subject: &Subject<'_>, located: Located, arguments: &[OsString]) -> VerbResult {
    let daemon = subject.daemon(arguments)?;
    let Located { daemon: running, name, .. } = located;
    let was_running = is_running(&running);
    let restarted = launch(subject, &name, daemon, arguments, &LaunchWay::Replace(running.clone()));
    // Of two restarts at once, one may find the daemon of the other.
    let is_overtaken = |failed: &Failed| matches!(failed, Failed::Daemon(error) if matches!(error.kind(), ErrorKind::AlreadyRunning { .. }));
    let has_failed = restarted.as_ref().is_err_and(|failed| !is_overtaken(failed));
    if has_failed && was_running && !is_running(&running) {
        // The record is still that of the last start that succeeded.
        output::note(format_args!(
            "{name}: it was stopped for the restart, and does not run now; `restart` without arguments starts it as before"
        ));
    }
    restarted
}

fn is_running(daemon: &Daemon) -> bool {
    daemon.status().is_ok_and(|status| status.state == State::Running)
}

/// Enters the directory of the last start: paths among its arguments may be relative.
fn enter_directory(located: &Located, record: &StartRecord) -> Result<(), Failed> {
    let Some(directory) = &record.directory else { return Ok(()) };
    env::set_current_dir(directory).map_err(|error| {
        Failed::to(
            "restart",
            &located.name,
            format_args!(
                "the directory of its last start `{}` cannot be entered: {}; give the arguments, which are `{}`",
                directory.display(),
                cause(&error),
                shown(&record.arguments)
            ),
        )
    })
}

/// Refuses a restart with arguments that the program does not accept any more, before the daemon is stopped.
fn check_arguments(subject: &Subject<'_>, located: &Located, record: &StartRecord) -> Result<(), Failed> {
    let Err(error) = subject.daemon(&record.arguments) else { return Ok(()) };
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Err(Failed::new(
        FailureClass::Usage,
        format!(
            "failed to restart `{}`: the program does not accept the arguments of its last start, `{}`, any more: {first}; give its new \
             arguments to `restart`",
            located.name,
            shown(&record.arguments)
        ),
    ))
}

fn running_pid(status: &Status) -> Option<daemonize_core::Pid> {
    status.pid.filter(|_| status.state == State::Running)
}

/// Returns arguments for people: escaped, and in quotes if they have spaces.
fn shown(arguments: &[OsString]) -> String {
    let quoted = arguments.iter().map(|argument| {
        let text = escape_bytes(argument.as_bytes()).into_owned();
        if text.is_empty() || text.contains([' ', '\'', '"', '$', '*', '?', ';', '&', '|', '<', '>']) {
            format!("'{}'", text.replace('\'', "'\\''"))
        } else {
            text
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}
