//! `freeze` and `thaw`.

use super::{CommandContext, bots, stop};
use crate::args::FreezeArguments;
use crate::exit_status::{CliError, ExitStatus};

pub(crate) fn command(
    context: &CommandContext,
    verb: &str,
    arguments: &FreezeArguments,
) -> Result<ExitStatus, CliError> {
    let names = arguments.which.names();
    if !arguments.dry_run {
        return bots::command(context, verb, names, None);
    }
    let names = names.map(|names| context.names(names)).transpose()?;
    stop::plan(context, verb, names.as_deref(), None)
}
