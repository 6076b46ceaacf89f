//! `log`: the messages of the monitor itself.

use super::CommandContext;
use super::log_printer::LogPrinter;
use crate::args::LineSelection;
use crate::exit_status::{CliError, ExitStatus};
use crate::monitor_client;
use daemonize_monitor::json::LogItem;
use serde_json::json;

pub(crate) fn log(context: &CommandContext, selection: &LineSelection) -> Result<ExitStatus, CliError> {
    let (output, connection) = (context.output, context.connection());
    let mut printer = LogPrinter { output, has_times: true, width: 0 };
    if selection.follow {
        for event in connection.follow(&format!("/monitor/log?{}", selection.following()))? {
            printer.event(event.map_err(|error| monitor_client::failure(&error))?)?;
        }
        output.note("the monitor has ended");
        return Ok(ExitStatus::Down);
    }
    let found = connection.log(&format!("/monitor/log?{}", selection.query()))?;
    if output.json {
        output.document(&json!({ "success": true, "entries": found.entries }))?;
    } else {
        LogItem::ordered(found.entries, Vec::new()).iter().try_for_each(|item| printer.item(item))?;
    }
    Ok(ExitStatus::Done)
}
