//! The service manager that has the daemon: asked before each verb, so that no verb acts behind its back or starts a second copy.

use crate::exit_status::{Failed, FailureClass};
use crate::output;
use daemonize_core::Pid;
use daemonize_service::{Action, Managed, ManagedError, ManagedErrorKind, managing, service_of};

/// Returns the service of the daemon: the one whose main process it is, or, if it does not run, the one that is installed. `None` as well if the manager
/// itself runs this verb, which then acts on its own.
///
/// # Errors
/// The service manager does not answer.
pub(super) fn service(name: &str, pid: Option<Pid>) -> Result<Option<Managed>, Failed> {
    let found = match pid {
        Some(pid) => managing(pid)?,
        None => service_of(name)?,
    };
    Ok(found.filter(|service| !service.is_caller()))
}

/// Performs an action through the service manager, and says so. Returns `false` if the manager has no such action, so that the verb acts on its own.
///
/// # Errors
/// The manager refuses or fails; the text has the command.
pub(super) fn perform(service: &Managed, action: Action, name: &str) -> Result<bool, Failed> {
    let Some(command) = service.command_line(action) else { return Ok(false) };
    output::say(name, format_args!("through {}: {command}", service.manager()));
    service.perform(action)?;
    Ok(true)
}

/// Returns the refusal of a start with arguments beside a service, which has its own.
pub(super) fn refuse_arguments(service: &Managed, name: &str, action: Action) -> Failed {
    let command = service.command_line(action).unwrap_or_default();
    Failed::new(
        FailureClass::Usage,
        format!(
            "failed to {} `{name}` with arguments: the service `{}` ({}) has its own; run `{command}`, or change them by `service \
             install … -- ARGUMENTS`, or start another instance by `--name INSTANCE`",
            action.name(),
            service.unit(),
            service.manager()
        ),
    )
}

impl From<ManagedError> for Failed {
    fn from(error: ManagedError) -> Failed {
        let class = match error.kind() {
            ManagedErrorKind::Refused => FailureClass::Rights,
            _ => FailureClass::Generic,
        };
        Failed::new(class, error)
    }
}
