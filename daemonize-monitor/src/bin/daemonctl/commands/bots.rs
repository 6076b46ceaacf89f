//! What is done to bots that exist.

use super::Site;
use crate::exit_status::{Exit, Failure};
use crate::human_format::{count, escape};
use crate::monitor_client::Outcome;
use crate::progress::{Progress, is_done};
use crate::table;
use daemonize_core::Signal;
use daemonize_monitor::json::{self, State};
use serde_json::json;
use std::time::Duration;

/// How long every command waits, so that what is done at once is told as done, and what fails at once as failed. A bot is ready
/// after a second unless its configuration says otherwise, so it is a little longer.
pub(crate) const COURTESY: Duration = Duration::from_millis(1500);

/// More bots are counted rather than told one by one.
const EACH: usize = 20;

/// `start`, `stop`, `restart` and `destroy`.
pub(crate) fn command(
    site: &Site,
    verb: &str,
    names: Option<&[String]>,
    wait: Option<Duration>,
) -> Result<Exit, Failure> {
    let names = names.map(|names| if verb == "start" { Ok(names.to_vec()) } else { site.names(names) }).transpose()?;
    let names = names.as_deref();
    let connection = site.connection();
    let progress = wait.and_then(|_| Progress::begin(site.screen, &connection, verb, names));
    let outcome = connection.command(verb, names, wait.or(Some(COURTESY)));
    drop(progress);
    report(site, verb, outcome?, wait.is_some())
}

pub(crate) fn signal(site: &Site, signal: Signal, names: Option<&[String]>) -> Result<Exit, Failure> {
    let names = names.map(|names| site.names(names)).transpose()?;
    let outcome = site.connection().signal(signal, names.as_deref())?;
    report(site, "signal", outcome, false)
}

pub(crate) fn event(site: &Site, bot: &str, name: &str) -> Result<Exit, Failure> {
    let mut bots = Vec::new();
    for bot in site.names(&[bot.to_owned()])? {
        bots.extend(site.connection().event(&bot, name)?);
    }
    if site.screen.json {
        site.screen.document(&json!({ "success": true, "bots": bots }))?;
    }
    Ok(Exit::Done)
}

/// Says what has become of a command: one line for each bot, as long as these can be read.
pub(crate) fn report(site: &Site, verb: &str, outcome: Outcome, waited: bool) -> Result<Exit, Failure> {
    let Outcome { bots, mut failures } = outcome;
    // Who did not ask to wait is not told that it took longer.
    failures.retain(|failure| waited || !failure.timeout);
    let is_lost = |bot: &json::Bot| matches!(bot.state, Some(State::BackingOff | State::GaveUp | State::Failed));
    let lost = matches!(verb, "start" | "restart") && bots.iter().any(is_lost);
    let exit = if lost && failures.is_empty() { Exit::Failed } else { exit(&failures) };
    if site.screen.json {
        site.screen.document(&json!({ "success": exit == Exit::Done, "bots": bots, "failures": failures }))?;
        return Ok(exit);
    }
    for failure in &failures {
        site.screen.error(&failure.message);
    }
    let done: Vec<&json::Bot> =
        bots.iter().filter(|bot| !failures.iter().any(|failure| failure.name == bot.name)).collect();
    if done.len() > EACH {
        let left = done.iter().filter(|bot| !is_done(verb, bot.state)).count();
        let left = if left == 0 { String::new() } else { format!(", {left} not yet") };
        site.screen.line(format!("{verb}: {}{left}", count(done.len(), "bot")))?;
    } else if verb != "signal" {
        done.iter().try_for_each(|bot| site.screen.line(line(site, bot)))?;
    }
    Ok(exit)
}

/// `web: running, pid 4711`.
pub(crate) fn line(site: &Site, bot: &json::Bot) -> String {
    let state = site.screen.paint(table::tone(bot.state), table::state(bot.state));
    let pid = bot.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
    let remark = table::remark(bot);
    let remark = if remark.is_empty() { remark } else { format!(": {remark}") };
    format!("{}: {state}{pid}{remark}", escape(&bot.name))
}

/// A failure weighs more than one that only was not awaited long enough.
fn exit(failures: &[json::Failure]) -> Exit {
    match failures {
        [] => Exit::Done,
        _ if failures.iter().all(|failure| failure.timeout) => Exit::Timeout,
        _ if failures.iter().all(|failure| failure.unknown) => Exit::NoSuchBot,
        _ => Exit::Failed,
    }
}
