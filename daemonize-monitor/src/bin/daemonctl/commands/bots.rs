//! `start`, `stop`, `restart`, `destroy`, `freeze`, `thaw`, `signal` and `event` for existing bots.

use super::CommandContext;
use crate::bulk_client::CommandOutcome;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::{count, escape};
use crate::progress::{Progress, is_done};
use crate::table;
use daemonize_core::Signal;
use daemonize_monitor::Parallel;
use daemonize_monitor::json::{self, State};
use serde_json::json;
use std::time::Duration;

/// How long a command without `--wait` waits, so that quick results and failures are reported. Slightly longer than the second after
/// which a bot is ready by default.
pub(crate) const SETTLE_TIMEOUT: Duration = Duration::from_millis(1500);

/// The maximum number of bots that are listed one by one; more are counted.
const MAX_LISTED: usize = 20;

/// Carries out `start`, `stop`, `restart`, `destroy`, `freeze` or `thaw`.
pub(crate) fn command(
    context: &CommandContext,
    verb: &str,
    names: Option<&[String]>,
    wait: Option<Duration>,
) -> Result<ExitStatus, CliError> {
    command_by(context, verb, names, None, wait)
}

/// A command; a restart of at most `parallel` instances of a bot at once.
pub(super) fn command_by(
    context: &CommandContext,
    verb: &str,
    names: Option<&[String]>,
    parallel: Option<Parallel>,
    wait: Option<Duration>,
) -> Result<ExitStatus, CliError> {
    let names =
        names.map(|names| if verb == "start" { Ok(names.to_vec()) } else { context.names(names) }).transpose()?;
    let names = names.as_deref();
    let connection = context.connection();
    let progress = wait.and_then(|_| Progress::begin(context.output, &connection, verb, names));
    let outcome = connection.command(verb, names, parallel, wait.or(Some(SETTLE_TIMEOUT)));
    drop(progress);
    report(context, verb, outcome?, wait.is_some())
}

pub(crate) fn signal(
    context: &CommandContext,
    signal: Signal,
    names: Option<&[String]>,
) -> Result<ExitStatus, CliError> {
    let names = names.map(|names| context.names(names)).transpose()?;
    let outcome = context.connection().signal(signal, names.as_deref())?;
    report(context, "signal", outcome, false)
}

pub(crate) fn event(context: &CommandContext, bot: &str, name: &str) -> Result<ExitStatus, CliError> {
    let mut bots = Vec::new();
    for bot in context.names(&[bot.to_owned()])? {
        bots.extend(context.connection().event(&bot, name)?);
    }
    if context.output.json {
        context.output.document(&json!({ "success": true, "bots": bots }))?;
    }
    Ok(ExitStatus::Done)
}

/// Prints the result of a command: one line for each bot, or a count of many.
pub(crate) fn report(
    context: &CommandContext,
    verb: &str,
    outcome: CommandOutcome,
    waited: bool,
) -> Result<ExitStatus, CliError> {
    let CommandOutcome { bots, also, mut failures } = outcome;
    // Without `--wait` an incomplete command is not an error.
    failures.retain(|failure| waited || !failure.timeout);
    let is_lost = |bot: &json::BotReport| matches!(bot.state, Some(State::BackingOff | State::GaveUp | State::Failed));
    let lost = matches!(verb, "start" | "restart") && bots.iter().any(is_lost);
    let exit = if lost && failures.is_empty() { ExitStatus::Failed } else { exit(&failures) };
    if context.output.json {
        let success = exit == ExitStatus::Done;
        context.output.document(&json!({ "success": success, "bots": bots, "also": also, "failures": failures }))?;
        return Ok(exit);
    }
    for failure in &failures {
        context.output.error(&failure.message);
    }
    let done: Vec<&json::BotReport> =
        bots.iter().filter(|bot| !failures.iter().any(|failure| failure.name == bot.name)).collect();
    if done.len() > MAX_LISTED {
        let left = done.iter().filter(|bot| !is_done(verb, bot.state)).count();
        let left = if left == 0 { String::new() } else { format!(", {left} not yet") };
        context.output.line(format!("{verb}: {}{left}", count(done.len(), "bot")))?;
    } else if verb != "signal" {
        done.iter().try_for_each(|bot| context.output.line(line(context, bot)))?;
    }
    Ok(exit)
}

/// `web: running, pid 4711`.
pub(crate) fn line(context: &CommandContext, bot: &json::BotReport) -> String {
    let state = context.output.paint(table::tone(bot.state), table::state(bot.state));
    let pid = bot.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
    let remark = table::remark(bot);
    let remark = if remark.is_empty() { remark } else { format!(": {remark}") };
    format!("{}: {state}{pid}{remark}", escape(&bot.name))
}

/// Returns the exit status for failures: a timeout only if nothing else failed.
pub(super) fn exit(failures: &[json::Failure]) -> ExitStatus {
    match failures {
        [] => ExitStatus::Done,
        _ if failures.iter().all(|failure| failure.timeout) => ExitStatus::Timeout,
        _ if failures.iter().all(|failure| failure.unknown) => ExitStatus::NoSuchBot,
        _ => ExitStatus::Failed,
    }
}
