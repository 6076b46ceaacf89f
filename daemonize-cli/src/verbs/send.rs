//! The verb `send`.

use super::locate::locate;
use crate::exit_status::VerbResult;
use crate::options::SendOptions;
use crate::output;
use crate::target::Subject;
use std::process::ExitCode;

/// Sends the daemon a signal.
pub(super) fn send(subject: &Subject<'_>, options: &SendOptions) -> VerbResult {
    let located = locate(subject, &options.target);
    located.daemon.send(options.signal)?;
    output::say(&located.name, format_args!("sent {}", options.signal));
    Ok(ExitCode::SUCCESS)
}
