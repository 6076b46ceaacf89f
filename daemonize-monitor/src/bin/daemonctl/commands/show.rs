//! `show`: all that is known of bots, for people or as JSON.

use super::CommandContext;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::{duration, escape, size};
use crate::output::{Output, Tone};
use crate::paragraph::Paragraph;
use crate::table;
use daemonize_monitor::json::{BotDetail, ExitReport, LogDetail, NextStep, RelatedBot};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// The latest time that can be formatted: the end of the year 9999.
const MAX_TIME: Duration = Duration::from_secs(253_402_300_799);

pub(crate) fn show(context: &CommandContext, words: &[String], exits: usize) -> Result<ExitStatus, CliError> {
    let (output, connection) = (context.output, context.connection());
    let (mut shown, mut is_first) = (BTreeSet::new(), true);
    for word in context.names(words)? {
        for mut detail in connection.show(&word)? {
            if !shown.insert(detail.bot.name.clone()) {
                continue;
            }
            detail.exits.drain(..detail.exits.len().saturating_sub(exits));
            if output.json {
                output.document(&json!({ "success": true, "show": detail }))?;
                continue;
            }
            if !std::mem::take(&mut is_first) {
                output.line("")?;
            }
            lines(output, &detail, width(output), SystemTime::now()).iter().try_for_each(|line| output.line(line))?;
        }
    }
    Ok(ExitStatus::Done)
}

/// Returns the width of the terminal; `None` if stdout is not one, so that each row stays one line for `grep(1)`.
fn width(output: Output) -> Option<usize> {
    let terminal = || terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    output.is_terminal().then(terminal)
}

/// Returns the lines that show a bot.
fn lines(output: Output, detail: &BotDetail, width: Option<usize>, now: SystemTime) -> Vec<String> {
    let mut paragraph = Paragraph::new(output, width);
    paragraph.line(&head(output, detail));
    let bot = &detail.bot;
    paragraph.row("next", &next(&detail.next));
    paragraph.row("rolling", &bot.rolling.as_ref().map(table::roll_progress).unwrap_or_default());
    paragraph.row("next run", &bot.next_run.map(|at| next_run(at, now)).unwrap_or_default());
    paragraph.row("health", &health(detail, now));
    paragraph.row("group", &bot.group.as_deref().map(escape).unwrap_or_default());
    paragraph.row("command", &command(detail));
    paragraph.row("user", &user(detail));
    paragraph.row("directory", &escape(&detail.directory));
    paragraph.row("environment", &environment(detail));
    paragraph.row("depends on", &related(&detail.dependencies, true));
    paragraph.row("needed by", &related(&detail.dependents, false));
    for log in &detail.logs {
        paragraph.row(&escape(&log.stream), &self::log(log));
    }
    if bot.dropped > 0 {
        paragraph.row("lost", &format!("{} of output", size(bot.dropped)));
    }
    for setting in &detail.settings {
        paragraph.row(&escape(&setting.key), &escape(&setting.value));
    }
    exits(&mut paragraph, &detail.exits, now);
    paragraph.into_lines()
}

/// Returns `web: running, pid 4711, up 3h 07m`.
fn head(output: Output, detail: &BotDetail) -> String {
    let bot = &detail.bot;
    let state = output.paint(table::tone(bot.state), table::state(bot.state));
    let pid = bot.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
    let uptime = bot.uptime.map(|uptime| format!(", up {}", duration(uptime))).unwrap_or_default();
    let memory = bot.memory.map(|memory| format!(", {}", size(memory))).unwrap_or_default();
    let origin = if bot.configured { "" } else { ", in no configuration" };
    format!("{}: {state}{pid}{uptime}{memory}{origin}", escape(&bot.name))
}

/// Returns `restarts in 12s: third exit in a row, status 1`.
fn next(next: &NextStep) -> String {
    let time = match next.seconds {
        Some(seconds) if seconds < 1.0 => " in less than 1s".to_owned(),
        Some(seconds) => format!(" in {}", duration(seconds)),
        None => String::new(),
    };
    let why = next.why.as_deref().filter(|why| !why.is_empty());
    let why = why.map(|why| format!(": {}", escape(why))).unwrap_or_default();
    format!("{}{time}{why}", escape(&next.step))
}

/// Returns `failing: status 1 (2 in a row, 3s ago)`; empty for a bot without checks.
fn health(detail: &BotDetail, now: SystemTime) -> String {
    let Some(health) = detail.bot.health else { return String::new() };
    let Some(last) = &detail.bot.last_check else { return health.to_string() };
    let ago = duration(ago(last.time, now));
    match &last.reason {
        Some(reason) => format!("{health}: {} ({} in a row, {ago} ago)", escape(reason), last.failures),
        None => format!("{health} ({ago} ago)"),
    }
}

/// Returns the seconds since a time; 0 for one to come.
fn ago(time: f64, now: SystemTime) -> f64 {
    now.duration_since(moment(time)).unwrap_or_default().as_secs_f64()
}

/// Returns a time that a monitor has told.
fn moment(time: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(time).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(since.min(MAX_TIME)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns `2026-11-30T14:35:00Z (in 3m 00s)`.
fn next_run(time: f64, now: SystemTime) -> String {
    let left = moment(time).duration_since(now).unwrap_or_default();
    format!("{} (in {})", humantime::format_rfc3339_seconds(moment(time)), duration(left.as_secs_f64()))
}

/// Returns the command line, quoted where a shell would need it.
fn command(detail: &BotDetail) -> String {
    let words = [&detail.command].into_iter().chain(&detail.arguments);
    let words: Vec<String> = words.map(|word| quoted(word)).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=@,+%".contains(letter);
    let word = escape(word);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn user(detail: &BotDetail) -> String {
    let user = detail.user.as_deref().map_or("that of the monitor".into(), escape);
    let group = detail.unix_group.as_deref().map(|group| format!(", group {}", escape(group)));
    format!("{user}{}", group.unwrap_or_default())
}

/// Returns the names of the variables; the values are not known here.
fn environment(detail: &BotDetail) -> String {
    let names: Vec<_> = detail.environment.iter().map(|name| escape(name)).collect();
    match (names.is_empty(), detail.inherits_environment) {
        (true, true) => "that of the monitor".to_owned(),
        (true, false) => "empty".to_owned(),
        (false, true) => format!("that of the monitor, and {}", names.join(", ")),
        (false, false) => names.join(", "),
    }
}

/// Returns `db (running), schema (failed, not ready)`.
fn related(bots: &[RelatedBot], is_needed: bool) -> String {
    let related = |bot: &RelatedBot| {
        let ready = if is_needed && !bot.ready { ", not ready" } else { "" };
        format!("{} ({}{ready})", escape(&bot.name), table::state(bot.state))
    };
    bots.iter().map(related).collect::<Vec<_>>().join(", ")
}

fn log(log: &LogDetail) -> String {
    match (&*log.target, &log.path) {
        ("memory", _) => "the last lines, in memory".to_owned(),
        ("inherit", _) => "the monitor's own".to_owned(),
        ("null", _) => "not kept".to_owned(),
        ("stdout", _) => "where stdout goes".to_owned(),
        (_, Some(path)) => {
            let size = log.size.map_or_else(|| "not there".to_owned(), size);
            let problem = log.problem.as_deref().map(|problem| format!(": {}", escape(problem)));
            format!("{} ({size}){}", escape(path), problem.unwrap_or_default())
        }
        (target, None) => escape(target).into_owned(),
    }
}

/// Formats how long a program ran: a short run with a tenth of a second, which tells a crash at the start from a later one.
fn run_time(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.1}s") } else { duration(seconds) }
}

/// Adds the exits, the newest first.
fn exits(paragraph: &mut Paragraph, exits: &[ExitReport], now: SystemTime) {
    if exits.is_empty() {
        return paragraph.row("exits", "none");
    }
    paragraph.line("");
    paragraph.line(&format!(
        "last {}:",
        if exits.len() == 1 { "exit".to_owned() } else { format!("{} exits", exits.len()) }
    ));
    for exit in exits.iter().rev() {
        let reason = exit.reason.as_deref().map(|reason| format!(": {}", escape(reason))).unwrap_or_default();
        let ran = if exit.pid.is_none() { String::new() } else { format!(" after {}", run_time(exit.ran_for)) };
        let pid = exit.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
        let tone = if exit.requested || exit.status == Some(0) { Tone::Dimmed } else { Tone::Bad };
        let time = humantime::format_rfc3339_seconds(moment(exit.at));
        let what = format!("{}{ran}{pid}{reason}", escape(&exit.exit));
        paragraph.item(&format!("{time} ({} ago)", duration(ago(exit.at, now))), &what, tone);
        for line in &exit.lines {
            paragraph.quote(&escape(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A bot of which each text has hostile bytes and is long.
    fn hostile() -> BotDetail {
        let text = format!("\u{1b}[2J\u{7}\u{202e}{}", "long words ".repeat(12));
        let exit = json!({
            "at": 1e300, "exit": text, "reason": text, "pid": 4711, "ran_for": 1e300, "lines": [text, "x".repeat(200)],
        });
        let detail = json!({
            "bot": { "name": "web", "state": "failed", "group": text, "uptime": 5.0, "pid": 4711, "configured": true,
                "health": "failing", "last_check": { "time": -1.0, "reason": text, "failures": 3 } },
            "command": text, "arguments": [text, "it's"], "user": text, "unix_group": text, "directory": text,
            "environment": [text, "TOKEN"], "inherits_environment": true,
            "dependencies": [{ "name": text, "state": "gave-up" }], "dependents": [{ "name": text }],
            "logs": [{ "stream": text, "target": "file", "path": text, "problem": text }, { "target": text }],
            "next": { "step": text, "seconds": 1e300, "why": text },
            "settings": [{ "key": text, "value": text }],
            "exits": [exit, {}],
        });
        serde_json::from_value::<BotDetail>(detail).unwrap()
    }

    /// Promise 6.69. The bot and a false monitor say what they want.
    #[test]
    fn hostile_text_is_escaped_and_fits_into_every_terminal() {
        for width in [Some(20), Some(40), Some(80), Some(200), None] {
            let lines = lines(Output::plain(), &hostile(), width, SystemTime::now());
            let is_plain = |letter: char| !letter.is_control() && letter != '\u{202e}';
            assert!(lines.iter().all(|line| line.chars().all(is_plain)), "{lines:?}");
            // The head alone is not wrapped.
            let wide = lines.iter().skip(1).filter(|line| width.is_some_and(|width| line.chars().count() > width));
            assert_eq!(wide.collect::<Vec<_>>(), [""; 0], "{width:?}");
            let all = lines.concat();
            let has = |text: &str| all.contains(text);
            assert!(has("web: failed, pid 4711") && has("TOKEN") && has("\\u{1b}"), "{lines:?}");
        }
    }

    #[test]
    fn rows_of_a_bot_that_flaps_say_what_comes_next_and_why() {
        let detail = json!({
            "bot": { "name": "web", "state": "backing-off", "configured": true },
            "command": "/bin/web", "arguments": ["--port", "80", "two words"], "directory": "/",
            "logs": [{ "stream": "stdout", "target": "file", "path": "/l/web.log", "size": 1_500_000 }],
            "next": { "step": "restarts", "seconds": 12.0, "why": "third exit in a row, status 1" },
            "exits": [{ "at": 1_000_000_000, "exit": "exited with status 1", "pid": 7, "ran_for": 0.25, "lines": ["fatal"] }],
        });
        let detail: BotDetail = serde_json::from_value::<BotDetail>(Value::clone(&detail)).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_090);
        let told = [
            "web: backing-off",
            "  next              restarts in 12s: third exit in a row, status 1",
            "  command           /bin/web --port 80 'two words'",
            "  user              that of the monitor",
            "  directory         /",
            "  environment       empty",
            "  stdout            /l/web.log (1.5 MB)",
            "",
            "last exit:",
            "  2001-09-09T01:46:40Z (1m 30s ago)  exited with status 1 after 0.2s, pid 7",
            "      fatal",
        ];
        assert_eq!(lines(Output::plain(), &detail, Some(80), now), told);
    }
}
