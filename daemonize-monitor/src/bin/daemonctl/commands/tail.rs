//! `tail`.

use super::CommandContext;
use super::log_printer::LogPrinter;
use crate::args::TailArguments;
use crate::exit_status::{CliError, ExitStatus};
use crate::log_client::LogResponse;
use crate::monitor_client::{self, segment};
use daemonize_monitor::json::LogItem;
use serde_json::json;

pub(crate) fn tail(context: &CommandContext, what: &TailArguments) -> Result<ExitStatus, CliError> {
    let (output, connection) = (context.output, context.connection());
    let names = context.names(&what.bots)?;
    // A stream of events cannot carry an error status: this request reports a name that is unknown.
    let mut bots = Vec::new();
    for name in &names {
        bots.extend(connection.named(name)?.into_iter().map(|bot| bot.name));
    }
    let is_one = names.len() == 1 && bots.len() == 1;
    let width = bots.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let mut printer = LogPrinter { output, has_times: what.times || !is_one, width: width.min(24) };
    let route = |query: &str| {
        let names: Vec<String> = names.iter().map(|name| segment(name)).collect();
        let query = format!("{query}&stream={}", what.stream.name());
        let path = if is_one {
            format!("/bots/{}/log?", segment(&bots[0]))
        } else {
            format!("/log?bots={}&", names.join(","))
        };
        path + &query
    };
    if !what.selection.follow {
        let found = connection.log(&route(&what.selection.query()))?;
        note_gaps(context, &names, &found);
        return print(&mut printer, found);
    }
    // As above: the streams of a bot that share one pipe cannot be told apart, for example.
    note_gaps(context, &names, &connection.log(&route(&what.selection.probing()))?);
    for event in connection.follow(&route(&what.selection.following()))? {
        printer.event(event.map_err(|error| monitor_client::failure(&error))?)?;
    }
    output.note("the monitor has ended, or the bot is gone");
    Ok(ExitStatus::Down)
}

/// Says what is not shown.
fn note_gaps(context: &CommandContext, names: &[String], found: &LogResponse) {
    if !found.is_kept {
        let names = names.join("`, `");
        context.output.note(format!("(the output of `{names}` is not kept: its `stdout` is \"inherit\" or \"null\")"));
    }
    if found.unknown > 0 {
        context.output.note(format!(
            "({} lines are left out whose time or stream is not known: `timestamps = true` keeps the time in the file)",
            found.unknown
        ));
    }
    for file in &found.skipped {
        context.output.note(format!("(not read: {file})"));
    }
    match found.truncated.as_deref() {
        Some("time") => context.output.note("(not all was searched within 2 s: name fewer bots, or a later `--since`)"),
        Some(_) => context.output.note("(older lines were not read: as much as one request may was read)"),
        None => {}
    }
}

fn print(printer: &mut LogPrinter, found: LogResponse) -> Result<ExitStatus, CliError> {
    let LogResponse { entries, runs, lines, is_kept, unknown, truncated, skipped } = found;
    if printer.output.json {
        let mut document = json!({
            "success": true, "kept": is_kept, "entries": entries, "runs": runs, "unknown": unknown,
            "truncated": truncated, "skipped": skipped,
        });
        if let Some(lines) = lines {
            document["lines"] = lines.into();
        }
        printer.output.document(&document)?;
        return Ok(ExitStatus::Done);
    }
    match lines {
        // As they are kept: with the time in the file, if it is there.
        Some(lines) if !printer.has_times && !printer.output.is_terminal() => {
            lines.iter().try_for_each(|line| printer.output.output(line))?;
        }
        _ => LogItem::ordered(entries, runs).iter().try_for_each(|item| printer.item(item))?,
    }
    Ok(ExitStatus::Done)
}
