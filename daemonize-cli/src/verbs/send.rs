//! The verb `send`.

use super::locate::locate;
use super::other_users;
use super::service_manager::service;
use crate::exit_status::{Failed, FailureClass, VerbResult};
use crate::options::SendOptions;
use crate::output;
use crate::target::Subject;
use daemonize_core::status::State;
use daemonize_core::{ErrorKind, Signal};
use daemonize_service::Action;
use std::process::ExitCode;

/// The signals that end or suspend a daemon: a service manager would take that for a failure.
const ENDING_SIGNALS: [Signal; 6] =
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGABRT, Signal::SIGKILL, Signal::SIGSTOP];

/// Sends the daemon a signal.
pub(super) fn send(subject: &Subject<'_>, options: &SendOptions) -> VerbResult {
    let (located, signal) = (locate(subject, &options.target), options.signal);
    let status = located.daemon.status()?;
    let pid = status.pid.filter(|_| status.state == State::Running);
    if let (true, Some(_), Some(managed)) = (ENDING_SIGNALS.contains(&signal), pid, service(&located.name, pid)?) {
        let command = managed.command_line(Action::Stop).unwrap_or_else(|| format!("{} stop", subject.name));
        return Err(Failed::new(
            FailureClass::Rights,
            format!(
                "failed to send `{signal}`: `{}` runs under {}, which would take the end for a failure; run `{command}`",
                located.name,
                managed.manager()
            ),
        ));
    }
    located.daemon.send(signal).inspect_err(|error| {
        if error.kind() == ErrorKind::NotRunning {
            other_users::mention(&located.daemon, &located.name);
        }
    })?;
    output::say(&located.name, format_args!("sent {signal}"));
    Ok(ExitCode::SUCCESS)
}
