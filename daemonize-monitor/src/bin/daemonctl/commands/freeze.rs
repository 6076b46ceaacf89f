//! `freeze` and `thaw`.

use super::{CommandContext, bots, stop};
use crate::exit_status::{CliError, ExitStatus};

pub(crate) fn command(
    context: &CommandContext,
    verb: &str,
    names: Option<&[String]>,
    dry_run: bool,
) -> Result<ExitStatus, CliError> {
    if dry_run {
        // They take no other bots along.
        return stop::command(context, verb, names, None, None, true);
    }
    bots::command(context, verb, names, None)
}
