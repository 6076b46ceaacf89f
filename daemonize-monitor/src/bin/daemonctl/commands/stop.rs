//! `stop`, `restart` and `destroy`: name the bots that depend on those that are stopped, and are stopped with them.
//!
//! Nothing is asked: an operator who stops a database in an incident, or a script on a terminal, must not be kept waiting by a
//! question, as `systemctl stop` asks nothing either. The names come before the command, and `--dry-run` prints them alone.

use super::{CommandContext, bots};
use crate::args::StopArguments;
use crate::bulk_client::CommandOutcome;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::escape;
use daemonize_monitor::Parallel;
use serde_json::json;

/// The most bots that are named; more are counted.
const MAX_NAMED: usize = 20;

pub(crate) fn command(
    context: &CommandContext,
    verb: &str,
    arguments: &StopArguments,
    parallel: Option<Parallel>,
) -> Result<ExitStatus, CliError> {
    let names = arguments.which.names().map(|names| context.names(names)).transpose()?;
    let names = names.as_deref();
    if arguments.dry_run {
        return plan(context, verb, names, parallel);
    }
    // With `--json`, the answer has them. A command for all takes along what is not down anyway.
    if !context.output.json && names.is_some() {
        if let Ok(plan) = context.connection().plan(verb, names, parallel) {
            // The answer to the command itself reports its mistakes.
            if let Some(also) = also(verb, &plan) {
                context.output.note(also);
            }
        }
    }
    bots::command_by(context, verb, names, parallel, arguments.wait.wait)
}

/// Prints what the command would do.
pub(super) fn plan(
    context: &CommandContext,
    verb: &str,
    names: Option<&[String]>,
    parallel: Option<Parallel>,
) -> Result<ExitStatus, CliError> {
    let output = context.output;
    let plan = context.connection().plan(verb, names, parallel)?;
    let exit = bots::exit(&plan.failures);
    if output.json {
        let CommandOutcome { bots, also, failures } = plan;
        let success = failures.is_empty();
        output.document(&json!({ "success": success, "bots": bots, "also": also, "failures": failures }))?;
        return Ok(exit);
    }
    plan.failures.iter().for_each(|failure| output.error(&failure.message));
    let selected: Vec<&str> = plan.bots.iter().map(|bot| &*bot.name).collect();
    if !selected.is_empty() {
        output.line(format!("would {verb} {}", listed(&selected)))?;
    }
    if let Some(also) = also(verb, &plan) {
        output.line(also)?;
    }
    Ok(exit)
}

/// Returns "also stops web:1, web:2 and worker, which depend on it", if there are such bots.
fn also(verb: &str, plan: &CommandOutcome) -> Option<String> {
    let names: Vec<&str> = plan.also.iter().map(String::as_str).collect();
    let verb = if verb == "restart" { "restarts" } else { "stops" };
    let depend = if names.len() == 1 { "depends" } else { "depend" };
    let on = if plan.bots.len() == 1 { "it" } else { "them" };
    (!names.is_empty()).then(|| format!("also {verb} {}, which {depend} on {on}", listed(&names)))
}

/// Returns "a, b and c", or "a, b and 7 more".
fn listed(names: &[&str]) -> String {
    let shown = if names.len() > MAX_NAMED { MAX_NAMED } else { names.len().saturating_sub(1) };
    let last = match names.len() - shown {
        1 => names.last().map_or_else(String::new, |name| escape(name).into_owned()),
        more => format!("{more} more"),
    };
    let first: Vec<_> = names.iter().take(shown).map(|name| escape(name)).collect();
    if first.is_empty() { last } else { format!("{} and {last}", first.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemonize_monitor::json::BotReport;

    #[test]
    fn dependents_are_named_or_counted() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        let many: Vec<String> = (0..30).map(|number| format!("w:{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(listed(&many).ends_with("w:19 and 10 more"), "{}", listed(&many));
        assert!(listed(&many[..21]).ends_with("w:19 and w:20"), "{}", listed(&many[..21]));
        let plan = |also: &[&str], bots: usize| CommandOutcome {
            bots: vec![BotReport::default(); bots],
            also: also.iter().map(|name| (*name).to_owned()).collect(),
            failures: Vec::new(),
        };
        assert_eq!(also("stop", &plan(&["web"], 1)).as_deref(), Some("also stops web, which depends on it"));
        let text = "also restarts a and b, which depend on them";
        assert_eq!(also("restart", &plan(&["a", "b"], 2)).as_deref(), Some(text));
        assert_eq!(also("stop", &plan(&[], 1)), None);
    }
}
