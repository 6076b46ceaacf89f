//! The verb `reload`.

use super::locate::locate;
use super::other_users;
use super::service_manager::{perform, service};
use crate::exit_status::VerbResult;
use crate::options::TargetOptions;
use crate::output;
use crate::target::Subject;
use daemonize_core::ErrorKind;
use daemonize_core::status::State;
use daemonize_service::Action;
use std::process::ExitCode;

/// Has the daemon reload its configuration, and waits until it has.
pub(super) fn reload(subject: &Subject<'_>, options: &TargetOptions) -> VerbResult {
    let located = locate(subject, options);
    let status = located.daemon.status()?;
    let pid = status.pid.filter(|_| status.state == State::Running);
    if let (Some(_), Some(managed)) = (pid, service(&located.name, pid)?) {
        if perform(&managed, Action::Reload, &located.name)? {
            output::say(&located.name, "reloaded");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let reloaded = located.daemon.reload().inspect_err(|error| {
        if error.kind() == ErrorKind::NotRunning {
            other_users::mention(&located.daemon, &located.name);
        }
    })?;
    if reloaded.confirmed {
        output::say(&located.name, format_args!("reloaded, pid {}", reloaded.pid));
    } else {
        output::say(&located.name, reloaded);
    }
    Ok(ExitCode::SUCCESS)
}
