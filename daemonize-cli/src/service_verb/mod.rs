//! The verb `service`: installs, removes and shows the service definition of this program.

use crate::exit_status::Failed;
use crate::target::Subject;
use std::process::ExitCode;

/// The verbs below `service`.
#[derive(clap::Subcommand, Clone, Debug)]
#[non_exhaustive]
pub enum ServiceVerb {
    /// Print the service definition
    Show,
}

/// Performs a verb below `service`.
pub(crate) fn run(verb: &ServiceVerb, subject: &Subject<'_>) -> Result<ExitCode, Failed> {
    let _ = (verb, subject.daemon(&[])?);
    Ok(ExitCode::FAILURE)
}
