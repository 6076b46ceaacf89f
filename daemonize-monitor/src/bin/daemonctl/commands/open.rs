//! `open`: prints an address that logs a browser in to the status page.

use super::CommandContext;
use super::start::daemon;
use crate::exit_status::{CliError, ExitStatus};
use daemonize_sys::escape::escape_bytes;
use serde_json::json;
use std::os::unix::ffi::OsStrExt;

/// Prints the address of the status page with a code that is valid once, for a minute.
///
/// No browser is started: the arguments of a program are visible to all users of the machine.
pub(crate) fn open(context: &CommandContext) -> Result<ExitStatus, CliError> {
    let (connection, output) = (context.connection(), context.output);
    if !connection.is_up()? {
        return Err(CliError::new(ExitStatus::Down, "failed to open the status page: the monitor is not running"));
    }
    let status = daemon(context).status().map_err(|error| CliError::new(ExitStatus::Failed, error.to_string()))?;
    let Some(address) = status.addresses.iter().find(|address| address.starts_with("http://")) else {
        return Err(CliError::new(ExitStatus::Failed, no_port(context)));
    };
    let code = connection.page_code()?;
    // A browser sends the fragment neither to a server nor in a `Referer` (RFC 9110, section 10.1.3).
    let url = format!("{address}/#code={}", code.code);
    if output.json {
        output.document(&json!({ "success": true, "address": url, "valid_for": code.valid_for }))?;
        return Ok(ExitStatus::Done);
    }
    output.line(&url)?;
    output.note(format_args!("(for one login, within {} s)", code.valid_for));
    Ok(ExitStatus::Done)
}

/// Returns the error of a monitor without a TCP port.
fn no_port(context: &CommandContext) -> String {
    let config = context.config().ok().map(|file| format!(" of `{}`", escape_bytes(file.as_os_str().as_bytes())));
    format!(
        "failed to open the status page: the monitor has no TCP port: write `control = {{ tcp = \"127.0.0.1:4711\" }}` into \
         `[monitor]`{}, then shut the monitor down and start it again",
        config.unwrap_or_default()
    )
}
