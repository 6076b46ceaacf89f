//! The verb `status`.

use super::locate::locate;
use crate::exit_status::VerbResult;
use crate::options::StatusOptions;
use crate::output;
use crate::target::Subject;
use std::process::ExitCode;

/// Shows whether the daemon runs, and how it ended.
pub(super) fn status(subject: &Subject<'_>, options: &StatusOptions) -> VerbResult {
    let located = locate(subject, &options.target);
    let status = located.daemon.status()?;
    output::say(&located.name, &status);
    Ok(ExitCode::from(status.exit_code()))
}
