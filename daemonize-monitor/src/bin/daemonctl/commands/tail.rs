//! `tail`.

use super::CommandContext;
use crate::args::StreamChoice;
use crate::exit_status::{CliError, ExitStatus};
use crate::monitor_client;
use serde_json::{Value, json};

pub(crate) fn tail(
    context: &CommandContext,
    bot: &str,
    lines: u32,
    stream: StreamChoice,
    follow: bool,
) -> Result<ExitStatus, CliError> {
    let (output, connection) = (context.output, context.connection());
    let names = context.names(&[bot.to_owned()])?;
    let bot = match &names[..] {
        [bot] => &bot[..],
        // The instances of one bot.
        names => names.first().and_then(|name| name.split(':').next()).unwrap_or(bot),
    };
    // A stream of events cannot carry an error status: the request without `follow` reports the error.
    let (last, is_kept) = connection.lines(bot, if follow { 0 } else { lines }, stream.name())?;
    if !is_kept {
        output.note(format!("(the output of `{bot}` is not kept: its `stdout` is \"inherit\" or \"null\")"));
    }
    if !follow {
        if output.json {
            output.document(&json!({ "success": true, "lines": last, "kept": is_kept }))?;
        } else {
            last.iter().try_for_each(|line| output.output(line))?;
        }
        return Ok(ExitStatus::Done);
    }
    for event in connection.follow(bot, lines, stream.name())? {
        let event = event.map_err(|error| monitor_client::failure(&error))?;
        match (&*event.name, event.data) {
            ("line", line) if output.json => output.document(&json!({ "line": line }))?,
            ("line", Value::String(line)) => output.output(&line)?,
            ("lagged", data) => output.note(format!("({} lines were not shown)", data["missed"])),
            _ => {}
        }
    }
    output.note("the monitor has ended, or the bot is gone");
    Ok(ExitStatus::Down)
}
