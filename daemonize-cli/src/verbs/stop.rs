//! The verb `stop`.

use super::locate::locate;
use super::other_users;
use super::service_manager::{perform, service};
use crate::exit_status::VerbResult;
use crate::options::TargetOptions;
use crate::output;
use crate::target::Subject;
use daemonize_core::status::State;
use daemonize_service::Action;
use std::process::ExitCode;

/// Stops the daemon, and waits for its end.
pub(super) fn stop(subject: &Subject<'_>, options: &TargetOptions) -> VerbResult {
    let located = locate(subject, options);
    let status = located.daemon.status()?;
    let pid = status.pid.filter(|_| status.state == State::Running);
    if let Some(managed) = service(&located.name, pid)? {
        if perform(&managed, Action::Stop, &located.name)? {
            output::say(
                &located.name,
                pid.map_or_else(|| "not running".to_owned(), |pid| format!("stopped, pid {pid}")),
            );
            return Ok(ExitCode::SUCCESS);
        }
    }
    let stopped = located.daemon.stop()?;
    match stopped.pid {
        Some(pid) if stopped.killed => {
            output::say(&located.name, format_args!("killed, pid {pid}: it did not stop in time"));
        }
        Some(pid) => output::say(&located.name, format_args!("stopped, pid {pid}")),
        None => {
            output::say(&located.name, "not running");
            other_users::mention(&located.daemon, &located.name);
        }
    }
    Ok(ExitCode::SUCCESS)
}
