//! `status`.

use super::CommandContext;
use crate::bot_filter::BotFilter;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::{count, duration, escape};
use crate::monitor_client::BotsResponse;
use crate::output::Output;
use crate::table::table;
use daemonize_monitor::json::{BotReport, MonitorReport, State};
use serde_json::json;

pub(crate) fn status(context: &CommandContext, names: &[String], states: &[State]) -> Result<ExitStatus, CliError> {
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
    let filter = BotFilter::new(&context.names(names)?, states)?;
    let bots = filter.shown(bots)?;
    if output.json {
        output.document(&json!({ "success": true, "monitor": monitor, "bots": bots }))?;
        return Ok(verdict(&bots, filter.is_selective()));
    }
    if !filter.is_selective() {
        let up = bots.iter().filter(|bot| is_up(bot)).count();
        let (name, uptime) = (escape(&monitor.name), duration(monitor.uptime));
        output.line(format!("{name}: pid {}, up {uptime}, {up} of {} up", monitor.pid, count(bots.len(), "bot")))?;
    }
    if let Some(problem) = &monitor.problem {
        output.error(&format!("the configuration was not taken: {problem}"));
    }
    warn_of_log(output, &monitor);
    if !bots.is_empty() {
        output.lines(&table(output, &bots, None))?;
    }
    Ok(verdict(&bots, filter.is_selective()))
}

/// Warns of a monitor whose own log cannot be written, or whose stdout is not read.
pub(crate) fn warn_of_log(output: Output, monitor: &MonitorReport) {
    if let Some(problem) = &monitor.log_problem {
        output.warning(&format!(
            "the monitor's own log is not written: {problem}: `daemonctl log` shows the last messages; write another `log` \
             into [monitor]"
        ));
    }
    if let Some(problem) = &monitor.output_problem {
        output.warning(&format!("the monitor's stdout lacks lines of bots: {problem}"));
    }
}

/// Returns `true` if a bot is as it should be.
pub(crate) fn is_up(bot: &BotReport) -> bool {
    bot.state.is_some_and(State::is_up)
}

/// Returns the exit status that tells how the bots are: the worst of them counts. Bots that are named count; without names,
/// those that start with the monitor, and those that were started by hand.
pub(crate) fn verdict(bots: &[BotReport], is_selective: bool) -> ExitStatus {
    let counts = |bot: &&BotReport| is_selective || bot.autostart || bot.state != Some(State::Stopped);
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
    fn exit_status_tells_the_worst_state_of_those_that_should_be_up() {
        let exit = |bots: &[BotReport], names: &[&str]| verdict(bots, !names.is_empty());
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
