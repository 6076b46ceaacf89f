//! The verb `stop`.

use super::locate::locate;
use crate::exit_status::VerbResult;
use crate::options::TargetOptions;
use crate::output;
use crate::target::Subject;
use std::process::ExitCode;

/// Stops the daemon, and waits for its end.
pub(super) fn stop(subject: &Subject<'_>, options: &TargetOptions) -> VerbResult {
    let located = locate(subject, options);
    let stopped = located.daemon.stop()?;
    match stopped.pid {
        Some(pid) if stopped.killed => {
            output::say(&located.name, format_args!("killed, pid {pid}: it did not stop in time"))
        }
        Some(pid) => output::say(&located.name, format_args!("stopped, pid {pid}")),
        None => output::say(&located.name, "not running"),
    }
    Ok(ExitCode::SUCCESS)
}
