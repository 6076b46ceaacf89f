//! The verb `reload`.

use super::locate::locate;
use super::other_users;
use super::service_manager::{perform, service};
#[cfg(feature = "logging")]
use crate::exit_status::FailureClass;
use crate::exit_status::{Failed, VerbResult};
use crate::options::ReloadOptions;
use crate::output;
use crate::target::Subject;
use daemonize_core::status::State;
use daemonize_core::{ErrorKind, Status};
use daemonize_service::Action;
use std::process::ExitCode;

/// Has the daemon reload its configuration, and waits until it has.
pub(super) fn reload(subject: &Subject<'_>, options: &ReloadOptions) -> VerbResult {
    let located = locate(subject, &options.target);
    let status = located.daemon.status()?;
    let pid = status.pid.filter(|_| status.state == State::Running);
    let request = request_level(options, &status)?;
    if let (Some(_), Some(managed)) = (pid, service(&located.name, pid)?) {
        if perform(&managed, Action::Reload, &located.name)? {
            confirm_level(request.as_ref())?;
            output::say(&located.name, "reloaded");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let reloaded = located.daemon.reload().inspect_err(|error| {
        if error.kind() == ErrorKind::NotRunning {
            other_users::mention(&located.daemon, &located.name);
        }
    })?;
    confirm_level(request.as_ref())?;
    if reloaded.confirmed {
        output::say(&located.name, format_args!("reloaded, pid {}", reloaded.pid));
    } else {
        output::say(&located.name, reloaded);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the log level that the daemon reads when it reloads, until the returned value is dropped.
#[cfg(feature = "logging")]
fn request_level(options: &ReloadOptions, status: &Status) -> Result<Option<daemonize_logging::LevelRequest>, Failed> {
    let Some(level) = options.log_level.as_ref().filter(|_| status.state == State::Running) else { return Ok(None) };
    let request = daemonize_logging::request_level(&status.pidfile, level);
    request.map(Some).map_err(|error| Failed::new(FailureClass::Generic, error))
}

/// Fails if the daemon has not read the level.
#[cfg(feature = "logging")]
fn confirm_level(request: Option<&daemonize_logging::LevelRequest>) -> Result<(), Failed> {
    let confirmed = request.map_or(Ok(()), daemonize_logging::LevelRequest::confirm);
    confirmed.map_err(|error| Failed::new(FailureClass::Generic, error))
}

#[cfg(not(feature = "logging"))]
#[allow(clippy::unnecessary_wraps)] // As with logging.
fn confirm_level(_: Option<&String>) -> Result<(), Failed> {
    Ok(())
}

#[cfg(not(feature = "logging"))]
#[allow(clippy::unnecessary_wraps)] // As with logging.
fn request_level(options: &ReloadOptions, _: &Status) -> Result<Option<String>, Failed> {
    // The option does not exist.
    Ok(options.log_level.clone())
}
