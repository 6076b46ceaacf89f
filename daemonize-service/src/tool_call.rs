//! Calls of the service managers' tools.

use crate::service_error::{ServiceError, ServiceErrorKind};
use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::time::Duration;

/// The longest time that a tool may take besides the start or stop of the service.
pub(crate) const TOOL_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a tool until it exits, and returns its standard output.
pub(crate) fn call(
    tool: &'static str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    within: Duration,
) -> Result<String, ServiceError> {
    let _ = within;
    let arguments: Vec<OsString> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    let output = Command::new(tool).args(&arguments).output();
    let output = output.map_err(|error| ServiceError::new(ServiceErrorKind::Manager, format!("{tool}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = format!("failed to run `{tool} {arguments:?}`: {}", String::from_utf8_lossy(&output.stderr).trim());
    Err(ServiceError::new(ServiceErrorKind::Failed, text))
}
