//! `status --watch`: redraws the table on a terminal, else prints a line for each change.

use super::{CommandContext, bots, status};
use crate::bot_filter::BotFilter;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::{count, duration, escape};
use crate::monitor_client::{self, BotsResponse, Connection};
use crate::table::table;
use daemonize_control::{Events, Published};
use daemonize_monitor::json::{BotReport, Event, MonitorReport, State};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// How often the table is redrawn, and CPU and memory are queried.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of bots that are kept, however many a monitor reports.
const MAX_BOTS: usize = 100_000;
/// Changes within this time are drawn together.
const BATCH_TIME: Duration = Duration::from_millis(50);

pub(crate) fn watch(context: &CommandContext, names: &[String], states: &[State]) -> Result<ExitStatus, CliError> {
    let connection = context.connection();
    let filter = &BotFilter::new(&context.names(names)?, states)?;
    // First the stream, so that nothing gets lost in between.
    let events = connection.events()?;
    let seen = connection.bots()?;
    filter.shown(seen.bots.clone())?;
    if context.output.is_terminal() && !context.output.json {
        redraw(context, &connection, events, seen, filter)
    } else {
        print(context, &connection, events, seen, filter)
    }
}

/// Draws until the monitor ends.
fn redraw(
    context: &CommandContext,
    connection: &Connection,
    mut events: Events,
    mut seen: BotsResponse,
    filter: &BotFilter,
) -> Result<ExitStatus, CliError> {
    let mut read = Instant::now();
    loop {
        let bots: Vec<BotReport> = seen.bots.iter().filter(|bot| filter.shows(bot)).cloned().collect();
        draw(context, &seen.monitor, &bots)?;
        if let Some(event) = events.next_within(REFRESH_INTERVAL).map_err(|error| monitor_client::failure(&error))? {
            apply(connection, &mut seen, event)?;
            let end = Instant::now() + BATCH_TIME;
            while let Some(event) = events
                .next_within(end.saturating_duration_since(Instant::now()))
                .map_err(|error| monitor_client::failure(&error))?
            {
                apply(connection, &mut seen, event)?;
            }
        }
        if events.has_ended() {
            context.output.note("the monitor has ended");
            return Ok(ExitStatus::Down);
        }
        if read.elapsed() >= REFRESH_INTERVAL {
            seen = connection.bots()?;
            read = Instant::now();
        }
    }
}

/// Draws the whole screen in one write, so that it does not flicker.
fn draw(context: &CommandContext, monitor: &MonitorReport, bots: &[BotReport]) -> Result<(), CliError> {
    let (width, height) = terminal_size::terminal_size().map_or((80, 24), |(width, height)| (width.0, height.0));
    let up = bots.iter().filter(|bot| status::is_up(bot)).count();
    let mut lines = vec![format!(
        "{}: pid {}, up {}, {up} of {} up",
        escape(&monitor.name),
        monitor.pid,
        duration(monitor.uptime),
        count(bots.len(), "bot")
    )];
    for (what, problem) in
        [("problem", &monitor.problem), ("log", &monitor.log_problem), ("stdout", &monitor.output_problem)]
    {
        let line = problem.as_ref().map(|problem| format!("{what}: {}", problem.replace('\n', "; ")));
        lines.extend(line.map(|line| escape(&line).into_owned()));
    }
    lines.extend(table(context.output, bots, Some(width.into())));
    let room = usize::from(height).max(3) - 1;
    if lines.len() > room {
        let more = lines.len() - room + 1;
        lines.truncate(room - 1);
        lines.push(format!("… and {more} more"));
    }
    let mut text = String::from("\x1b[H");
    for line in lines {
        let _ = writeln!(text, "{line}\x1b[K");
    }
    text.push_str("\x1b[J");
    Ok(io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush())?)
}

/// Prints one line per change until the monitor ends.
fn print(
    context: &CommandContext,
    connection: &Connection,
    events: Events,
    mut seen: BotsResponse,
    filter: &BotFilter,
) -> Result<ExitStatus, CliError> {
    let output = context.output;
    let show = |bot: &BotReport| {
        if output.json { output.document(&json!({ "bot": bot })) } else { output.line(bots::line(context, bot)) }
    };
    seen.bots.iter().filter(|bot| filter.shows(bot)).try_for_each(show)?;
    for event in events {
        let event = event.map_err(|error| monitor_client::failure(&error))?;
        let before = seen.bots.clone();
        let removed = (event.name == "removed").then(|| event.data["name"].as_str().unwrap_or_default().to_owned());
        let counts = (event.name == "counts").then(|| event.data.clone());
        apply(connection, &mut seen, event)?;
        if let Some(name) = removed {
            if output.json {
                output.document(&json!({ "removed": name }))?;
            } else {
                output.line(format!("{}: removed", escape(&name)))?;
            }
        } else if let (Some(counts), true) = (counts, output.json) {
            output.document(&json!({ "counts": counts }))?;
        }
        let is_news = |bot: &&BotReport| {
            filter.shows(bot)
                && !before.iter().any(|old| {
                    old.name == bot.name && (old.state, old.pid, &old.reason) == (bot.state, bot.pid, &bot.reason)
                })
        };
        seen.bots.iter().filter(is_news).try_for_each(show)?;
    }
    output.note("the monitor has ended");
    Ok(ExitStatus::Down)
}

/// Applies an event. After missed events all bots are queried.
fn apply(connection: &Connection, seen: &mut BotsResponse, event: Published) -> Result<(), CliError> {
    let Published { name, data, .. } = event;
    match &*name {
        "bot" => {
            let Ok(bot) = serde_json::from_value::<BotReport>(data) else { return Ok(()) };
            let has_room = seen.bots.len() < MAX_BOTS;
            match seen.bots.iter_mut().find(|old| old.name == bot.name) {
                Some(old) => *old = bot,
                None if has_room => seen.bots.push(bot),
                None => {}
            }
        }
        "removed" => seen.bots.retain(|bot| data["name"] != *bot.name),
        "counts" => {
            let events: Vec<Event> = serde_json::from_value(data["events"].clone()).unwrap_or_default();
            if let Some(bot) = seen.bots.iter_mut().find(|bot| data["name"] == *bot.name) {
                bot.events = events;
            }
        }
        "lagged" => *seen = connection.bots()?,
        _ => {}
    }
    Ok(())
}
