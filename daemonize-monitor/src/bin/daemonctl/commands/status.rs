//! `status`.

use super::CommandContext;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::{count, duration, escape};
use crate::monitor_client::BotsResponse;
use crate::output::Output;
use crate::table::table;
use daemonize_monitor::__daemonctl;
use daemonize_monitor::json::{BotReport, MonitorReport, State};
use serde_json::json;

pub(crate) fn status(context: &CommandContext, names: &[String]) -> Result<ExitStatus, CliError> {
    let output = context.output;
    let connection = context.connection();
    let told = if output.json { connection.bots_in_full() } else { connection.bots() };
    let BotsResponse { monitor, bots } = match told {
        Ok(bots) => bots,
        Err(failure) if failure.exit == ExitStatus::Down && output.json => {
            output.document(&json!({ "success": false, "message": failure.text, "monitor": null, "bots": [] }))?;
            return Ok(ExitStatus::Down);
        }
        Err(failure) => return Err(failure),
    };
    let names = &context.names(names)?[..];
    let bots = chosen(bots, names)?;
    if output.json {
        output.document(&json!({ "success": true, "monitor": monitor, "bots": bots }))?;
        return Ok(verdict(&bots, names));
    }
    if names.is_empty() {
        let up = bots.iter().filter(|bot| is_up(bot)).count();
        let (name, uptime) = (escape(&monitor.name), duration(monitor.uptime));
        output.line(format!("{name}: pid {}, up {uptime}, {up} of {} up", monitor.pid, count(bots.len(), "bot")))?;
    }
    if let Some(problem) = &monitor.problem {
        output.error(&format!("the configuration was not taken: {problem}"));
    }
    warn_of_log(output, &monitor);
    if !bots.is_empty() {
        table(output, &bots, None).iter().try_for_each(|line| output.line(line))?;
    }
    Ok(verdict(&bots, names))
}

/// Warns of a monitor whose own log cannot be written.
pub(crate) fn warn_of_log(output: Output, monitor: &MonitorReport) {
    if let Some(problem) = &monitor.log_problem {
        output.warning(&format!("the monitor's own log is not written: {problem}"));
    }
}

/// Returns the named bots, or all.
pub(crate) fn chosen(bots: Vec<BotReport>, names: &[String]) -> Result<Vec<BotReport>, CliError> {
    let means = |name: &String, bot: &BotReport| *name == bot.name || *name == bot.family;
    if let Some(name) = names.iter().find(|name| !bots.iter().any(|bot| means(name, bot))) {
        return Err(CliError::new(ExitStatus::NoSuchBot, unknown(name, &bots)));
    }
    let is_chosen = |bot: &BotReport| names.is_empty() || names.iter().any(|name| means(name, bot));
    Ok(bots.into_iter().filter(is_chosen).collect())
}

fn unknown(name: &str, bots: &[BotReport]) -> String {
    if name.starts_with('/') {
        return format!("failed to find bot `{name}`: no bot runs this program");
    }
    let hint = __daemonctl::did_you_mean(name, bots.iter().flat_map(|bot| [&*bot.name, &*bot.family]));
    let hint = hint.map(|hint| format!(" (did you mean `{hint}`?)")).unwrap_or_default();
    format!("failed to find `{name}`: there is no such bot{hint}")
}

/// Returns `true` if a bot is as it should be.
pub(crate) fn is_up(bot: &BotReport) -> bool {
    bot.state.is_some_and(State::is_up)
}

/// Returns the exit status that tells how the bots are: the worst of them counts. Bots that are named count; without names,
/// those that start with the monitor, and those that were started by hand.
pub(crate) fn verdict(bots: &[BotReport], names: &[String]) -> ExitStatus {
    let counts = |bot: &&BotReport| !names.is_empty() || bot.autostart || bot.state != Some(State::Stopped);
    let exits = bots.iter().filter(counts).map(|bot| exit(bot.state));
    exits.max_by_key(|exit| *exit as u8).unwrap_or(ExitStatus::Done)
}

/// Returns the exit status for a bot that is in this state.
fn exit(state: Option<State>) -> ExitStatus {
    match state {
        Some(state) if state.is_up() => ExitStatus::Done,
        Some(State::Starting) => ExitStatus::BotStarting,
        Some(State::Waiting) => ExitStatus::BotWaiting,
        Some(State::Stopped | State::Stopping | State::Suspended) => ExitStatus::BotStopped,
        // A state of a newer monitor is not known to be a good one.
        _ => ExitStatus::BotFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(name: &str, state: &str, autostart: bool) -> BotReport {
        let family = name.split(':').next();
        serde_json::from_value(json!({"name": name, "family": family, "state": state, "autostart": autostart})).unwrap()
    }

    #[test]
    fn a_name_means_a_bot_or_a_family() {
        let bots = || vec![bot("web:1", "running", true), bot("web:2", "running", true), bot("db", "running", true)];
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
            chosen(bots(), &names).map(|bots| bots.into_iter().map(|bot| bot.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["web"]).unwrap(), ["web:1", "web:2"]);
        assert_eq!(names(&["db", "web:2"]).unwrap(), ["web:2", "db"]);
        assert_eq!(names(&[]).unwrap().len(), 3);
        let failure = names(&["wbe"]).unwrap_err();
        assert_eq!(failure.exit, ExitStatus::NoSuchBot);
        assert_eq!(failure.text, "failed to find `wbe`: there is no such bot (did you mean `web`?)");
    }

    #[test]
    fn exit_status_tells_the_worst_state_of_those_that_should_be_up() {
        let exit = |bots: &[BotReport], names: &[&str]| {
            verdict(bots, &names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(exit(&[bot("a", "running", true), bot("b", "exited", true)], &[]), ExitStatus::Done);
        assert_eq!(exit(&[bot("a", "stopped", false)], &[]), ExitStatus::Done);
        assert_eq!(exit(&[bot("a", "stopped", false)], &["a"]), ExitStatus::BotStopped);
        for (state, expected) in [
            ("starting", ExitStatus::BotStarting),
            ("waiting", ExitStatus::BotWaiting),
            ("stopped", ExitStatus::BotStopped),
            ("stopping", ExitStatus::BotStopped),
            ("suspended", ExitStatus::BotStopped),
            ("backing-off", ExitStatus::BotFailed),
            ("gave-up", ExitStatus::BotFailed),
            ("failed", ExitStatus::BotFailed),
            ("new-state", ExitStatus::BotFailed),
        ] {
            assert_eq!(exit(&[bot("a", "running", true), bot("b", state, true)], &[]), expected, "{state}");
        }
        assert_eq!(exit(&[bot("a", "backing-off", false)], &[]), ExitStatus::BotFailed);
        assert_eq!(exit(&[bot("a", "waiting", true), bot("b", "gave-up", true)], &[]), ExitStatus::BotFailed);
        assert_eq!(exit(&[bot("a", "waiting", true), bot("b", "starting", true)], &[]), ExitStatus::BotWaiting);
        assert_eq!(exit(&[], &[]), ExitStatus::Done);
    }
}
