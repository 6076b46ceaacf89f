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
        let at = SystemTime::UNIX_EPOCH + Duration::try_from_secs_f64(exit.at).unwrap_or_default();
        let ago = now.duration_since(at).unwrap_or_default();
        let reason = exit.reason.as_deref().map(|reason| format!(": {}", escape(reason))).unwrap_or_default();
        let ran = if exit.pid.is_none() { String::new() } else { format!(" after {}", run_time(exit.ran_for)) };
        let pid = exit.pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
        let tone = if exit.requested || exit.status == Some(0) { Tone::Dimmed } else { Tone::Bad };
        let time = humantime::format_rfc3339_seconds(at);
        let what = format!("{}{ran}{pid}{reason}", escape(&exit.exit));
        paragraph.item(&format!("{time} ({} ago)", duration(ago.as_secs_f64())), &what, tone);
        for line in &exit.lines {
            paragraph.quote(&escape(line));
        }
    }
}
