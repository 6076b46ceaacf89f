//! `reload`.

use super::{CommandContext, bots};
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::{count, escape};
use crate::output::Tone;
use crate::progress::Progress;
use daemonize_monitor::json::Plan;
use daemonize_monitor::{Parallel, State};
use serde_json::Value;
use std::time::Duration;

/// Reloads, and waits with `wait` until the bots that were started or restarted are up.
pub(crate) fn reload(
    context: &CommandContext,
    dry_run: bool,
    parallel: Option<Parallel>,
    wait: Option<Duration>,
) -> Result<ExitStatus, CliError> {
    let output = context.output;
    let answer = context.connection().reload(dry_run, parallel)?;
    context.note_move();
    let success = answer["success"] == Value::Bool(true);
    if success {
        let plan: Plan =
            serde_json::from_value(answer["plan"].clone()).map_err(|error| CliError::failed("read", "plan", error))?;
        if !output.json {
            lines(context, &plan, dry_run, parallel).iter().try_for_each(|line| output.line(line))?;
        }
        if let Some(wait) = wait.filter(|_| !dry_run) {
            return await_bots(context, &plan, answer, wait);
        }
    }
    if output.json {
        output.document(&answer)?;
    } else if !success {
        for mistake in answer["mistakes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            output.error(mistake);
        }
        output.error(answer["message"].as_str().unwrap_or("the monitor refused the request without a reason"));
    }
    Ok(if success { ExitStatus::Done } else { ExitStatus::Failed })
}

/// Waits until the bots of a plan are up.
fn await_bots(
    context: &CommandContext,
    plan: &Plan,
    mut answer: Value,
    wait: Duration,
) -> Result<ExitStatus, CliError> {
    let restarted = plan.restarted.iter().map(|change| change.name.clone());
    let connection = context.connection();
    // A bot that does not start with the monitor, or was stopped before, stays down.
    let bots = connection.bots()?.bots;
    let is_down = |name: &String| bots.iter().any(|bot| bot.name == *name && bot.state == Some(State::Stopped));
    let names: Vec<String> = plan.added.iter().cloned().chain(restarted).filter(|name| !is_down(name)).collect();
    let progress = Progress::begin(context.output, &connection, "reload", Some(&names));
    let outcome = connection.command("wait", Some(&names), None, Some(wait));
    drop(progress);
    let outcome = outcome?;
    let exit = bots::exit(&outcome.failures);
    if context.output.json {
        answer["success"] = (exit == ExitStatus::Done).into();
        answer["failures"] = serde_json::json!(outcome.failures);
        context.output.document(&answer)?;
    } else {
        outcome.failures.iter().for_each(|failure| context.output.error(&failure.message));
    }
    Ok(exit)
}

/// One line for each bot that something happens to.
fn lines(context: &CommandContext, plan: &Plan, dry_run: bool, parallel: Option<Parallel>) -> Vec<String> {
    let line = |tone, sign: &str, name: &str, what: String| {
        format!("{} {}: {what}", context.output.paint(tone, sign), escape(name))
    };
    let tense = |now: &'static str, would: &'static str| if dry_run { would } else { now };
    let mut lines = Vec::new();
    for name in &plan.added {
        lines.push(line(Tone::Good, "+", name, tense("added", "would be added").to_owned()));
    }
    for name in &plan.removed {
        lines.push(line(Tone::Bad, "-", name, tense("removed", "would be removed").to_owned()));
    }
    for change in &plan.restarted {
        // Its turn comes only when those before it are ready.
        let is_in_turn = !matches!(parallel, Some(Parallel::All)) && is_one_of_several(plan, &change.name);
        let restarted = if is_in_turn { "restarts in its turn" } else { "restarted" };
        let what = format!("{} ({})", tense(restarted, "would be restarted"), names(&change.why));
        lines.push(line(Tone::Warning, "~", &change.name, what));
    }
    for change in &plan.changed {
        let what =
            format!("{} ({})", tense("changed while it runs", "would be changed while it runs"), names(&change.why));
        lines.push(line(Tone::Good, "=", &change.name, what));
    }
    if !plan.settings.is_empty() {
        lines.push(format!("the monitor: {} {}", names(&plan.settings), tense("changed", "would change")));
    }
    if !plan.settings_later.is_empty() {
        lines.push(format!(
            "the monitor: {} will change when it is shut down and started again",
            names(&plan.settings_later)
        ));
    }
    lines.push(format!("{} untouched", count(plan.untouched, "bot")));
    lines
}

/// Returns `true` if other instances of the bot are restarted by the plan as well, one after another.
fn is_one_of_several(plan: &Plan, name: &str) -> bool {
    let family = |name: &str| name.rsplit_once(':').map(|(family, _)| family.to_owned());
    let own = family(name);
    own.is_some() && plan.restarted.iter().any(|change| change.name != name && family(&change.name) == own)
}

/// Returns names of keys, as the monitor says them, in one escaped line.
fn names(names: &[String]) -> String {
    escape(&names.join(", ")).into_owned()
}
