//! The verb `reload`.

use super::locate::locate;
use crate::exit_status::VerbResult;
use crate::options::TargetOptions;
use crate::output;
use crate::target::Subject;
use daemonize_core::Signal;
use std::process::ExitCode;

/// Has the daemon reload its configuration, and waits until it has.
pub(super) fn reload(subject: &Subject<'_>, options: &TargetOptions) -> VerbResult {
    let located = locate(subject, options);
    located.daemon.send(Signal::SIGHUP)?;
    output::say(&located.name, "reloaded");
    Ok(ExitCode::SUCCESS)
}
