//! `schema`.

use crate::exit_status::{CliError, ExitStatus};
use crate::output::Output;
use daemonize_monitor::__daemonctl;

/// Prints the JSON schema of a configuration: on many lines, with `--json` on one.
pub(crate) fn schema(output: Output) -> Result<ExitStatus, CliError> {
    let schema = __daemonctl::schema();
    if output.json {
        output.document(&schema)?;
    } else {
        output.line(format!("{schema:#}"))?;
    }
    Ok(ExitStatus::Done)
}
