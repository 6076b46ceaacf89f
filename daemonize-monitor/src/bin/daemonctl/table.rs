//! Bots as a table.

use crate::human_format::{duration, escape, size};
use crate::output::{Output, Tone};
use daemonize_monitor::json::{BotReport, Event, Rolling, State};
use std::time::SystemTime;

/// The built-in events, which other columns show.
const BUILT_IN: [&str; 4] = ["exit", "start", "restart", "kill"];
/// The number of other events that are shown.
const SHOWN_EVENTS: usize = 3;

const HEADS: [&str; COLUMNS] = ["BOT", "STATE", "PID", "UPTIME", "EXITS", "CPU", "MEMORY", "GROUP", "EVENTS"];
/// Which columns are aligned to the right.
const RIGHT: [bool; COLUMNS] = [false, false, true, true, true, true, true, false, false];
/// The number of columns.
const COLUMNS: usize = 9;
/// The columns that are left out where no bot has anything in them.
const OPTIONAL: [usize; 2] = [7, 8];
/// Between columns.
const GAP: &str = "  ";

/// Lines of a table: a head, and one for each bot. Lines are cut at `width` if there is one.
pub(crate) fn table(output: Output, bots: &[BotReport], width: Option<usize>) -> Vec<String> {
    let rows: Vec<[String; COLUMNS]> = bots.iter().map(cells).collect();
    let is_shown = |column: &usize| !OPTIONAL.contains(column) || rows.iter().any(|row| !row[*column].is_empty());
    let width_of = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([HEADS[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<(usize, usize)> = (0..COLUMNS).filter(is_shown).map(|column| (column, width_of(column))).collect();
    let head = line(&HEADS.map(str::to_owned), &widths, "");
    let mut lines = vec![output.paint(Tone::Dimmed, &cut(head.trim_end(), width))];
    for (bot, row) in bots.iter().zip(&rows) {
        let text = cut(line(row, &widths, &remark(bot)).trim_end(), width);
        lines.push(painted(output, &text, bot, &widths));
    }
    lines
}

/// The state alone is in colour.
fn painted(output: Output, line: &str, bot: &BotReport, widths: &[(usize, usize)]) -> String {
    let name = state(bot.state);
    let begin = line.char_indices().nth(widths[0].1 + GAP.len()).map(|(index, _)| index);
    match begin.and_then(|begin| line[begin..].starts_with(name).then_some(begin)) {
        Some(begin) => {
            let end = begin + name.len();
            format!("{}{}{}", &line[..begin], output.paint(tone(bot.state), name), &line[end..])
        }
        None => line.to_owned(),
    }
}

fn line(cells: &[String; COLUMNS], widths: &[(usize, usize)], remark: &str) -> String {
    let mut line = String::new();
    for &(column, width) in widths {
        let cell = &cells[column];
        let pad = " ".repeat(width - cell.chars().count());
        let gap = if column == 0 { "" } else { GAP };
        if RIGHT[column] { line.extend([gap, &pad, cell]) } else { line.extend([gap, cell, &pad]) }
    }
    if !remark.is_empty() {
        line.extend([GAP, remark]);
    }
    line
}

fn cells(bot: &BotReport) -> [String; COLUMNS] {
    let dash = || "-".to_owned();
    [
        escape(&bot.name).into_owned(),
        state(bot.state).to_owned(),
        bot.pid.map_or_else(dash, |pid| pid.to_string()),
        bot.uptime.map_or_else(dash, duration),
        format!("{}/{}", bot.exits, bot.limit),
        bot.cpu.map_or_else(dash, |percent| format!("{percent:.1}%")),
        bot.memory.map_or_else(dash, size),
        escape(bot.group.as_deref().unwrap_or_default()).into_owned(),
        events(&bot.events),
    ]
}

/// `reply 14/120`: in the past hour, and in all.
fn events(events: &[Event]) -> String {
    let own: Vec<&Event> = events.iter().filter(|event| !BUILT_IN.contains(&&*event.name)).collect();
    let mut shown: Vec<String> = own
        .iter()
        .take(SHOWN_EVENTS)
        .map(|event| format!("{} {}/{}", escape(&event.name), event.hour, event.total))
        .collect();
    if own.len() > SHOWN_EVENTS {
        shown.push(format!("+{}", own.len() - SHOWN_EVENTS));
    }
    shown.join(", ")
}

/// Returns the last column: the reason of a bot's state.
pub(crate) fn remark(bot: &BotReport) -> String {
    let mut parts = Vec::new();
    if let Some(rolling) = &bot.rolling {
        let prefix = if rolling.failure.is_none() { "rolling: " } else { "" };
        parts.push(format!("{prefix}{}", roll_progress(rolling)));
    }
    if let Some(reason) = &bot.reason {
        parts.push(escape(reason).into_owned());
    } else if let (Some(exit), true) = (&bot.last_exit, bot.pid.is_none() && bot.state != Some(State::Stopped)) {
        // A bot that was stopped has not ended by that: it is the end of an earlier run.
        parts.push(escape(exit).into_owned());
    }
    if bot.next_run.is_some() && matches!(bot.state, Some(State::Exited | State::Failed | State::GaveUp)) {
        parts.push(format!("{} ago", duration(seconds_now() - bot.since)));
    }
    if let Some(seconds) = bot.next_start {
        parts.push(format!("again in {}", if seconds < 1.0 { "less than 1s".to_owned() } else { duration(seconds) }));
    }
    if let Some(at) = bot.next_run {
        parts.push(format!("next run in {}", duration(at - seconds_now())));
    }
    if bot.dropped > 0 {
        parts.push(format!("{} of output lost", size(bot.dropped)));
    }
    if !bot.configured {
        parts.push("in no configuration".to_owned());
    }
    parts.join("; ")
}

/// Returns the seconds since 1970.
fn seconds_now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Returns `2 of 4`, or why the rolling restart was stopped by this instance or before it.
pub(crate) fn roll_progress(rolling: &Rolling) -> String {
    match &rolling.failure {
        Some(failure) if rolling.untouched => format!("runs as before, since {}", escape(failure)),
        Some(failure) => format!("stopped the rolling restart: {}", escape(failure)),
        None => format!("{} of {}", rolling.done, rolling.total),
    }
}

/// The name of a state, as in JSON.
pub(crate) fn state(state: Option<State>) -> &'static str {
    state.map_or("unknown", State::name)
}

pub(crate) fn tone(state: Option<State>) -> Tone {
    match state {
        Some(State::Running) => Tone::Good,
        Some(State::GaveUp | State::Failed | State::BackingOff) => Tone::Bad,
        Some(State::Stopped | State::Exited) => Tone::Dimmed,
        _ => Tone::Warning,
    }
}

/// Shortens a text to a number of characters, the last of which is an ellipsis.
fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        }
        _ => line.to_owned(),
    }
}
