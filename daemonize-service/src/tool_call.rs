//! Calls of the service managers' tools.

use crate::managed::command_line::CommandLine;
use crate::managed::tool;
use crate::managed::{ManagedError, ManagedErrorKind};
use crate::service_error::{ServiceError, ServiceErrorKind};
use std::ffi::OsStr;
use std::time::Duration;

/// The longest time that a tool may take besides the start or stop of the service.
pub(crate) const TOOL_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a tool until it exits, and returns its standard output.
pub(crate) fn call(
    tool: &'static str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    within: Duration,
) -> Result<String, ServiceError> {
    tool::succeed(&CommandLine::new(tool, arguments), within).map_err(|error| service_error(&error))
}

fn service_error(error: &ManagedError) -> ServiceError {
    let kind = match error.kind() {
        ManagedErrorKind::NoTool => ServiceErrorKind::Manager,
        _ => ServiceErrorKind::Failed,
    };
    ServiceError::new(kind, error.to_string())
}
