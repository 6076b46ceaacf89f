//! `shutdown`: stops all bots and the monitor.

use super::CommandContext;
use super::start::{POLL_INTERVAL, daemon};
use crate::exit_status::{CliError, ExitStatus};
use daemonize_core::Signal;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// Stop signals within this time count as one.
const SIGNAL_COALESCE_TIME: Duration = Duration::from_millis(600);

/// Stops the monitor, which first stops its bots. A second `shutdown` makes it kill them.
pub(crate) fn shutdown(context: &CommandContext, wait: Option<Duration>) -> Result<ExitStatus, CliError> {
    let connection = context.connection();
    let Some(pid) = connection.pid()? else {
        done(context, "the monitor is not running")?;
        return Ok(ExitStatus::Done);
    };
    // A second signal cuts short what the first one has begun, unless they come so close together that they are one.
    let mut hurries = if connection.is_stopping() { vec![SIGNAL_COALESCE_TIME, Duration::ZERO] } else { Vec::new() };
    if hurries.is_empty() {
        connection.stop()?;
    }
    let patience = wait.unwrap_or_else(|| context.stop_timeout + Duration::from_secs(60));
    let begin = Instant::now();
    let end = begin + patience;
    while connection.pid()? == Some(pid) {
        if hurries.last().is_some_and(|after| begin.elapsed() >= *after) {
            hurries.pop();
            daemon(context)
                .send(Signal::SIGTERM)
                .map_err(|error| CliError::new(ExitStatus::Failed, error.to_string()))?;
        }
        if patience.is_zero() {
            done(context, "the monitor is stopping")?;
            return Ok(ExitStatus::Done);
        }
        if Instant::now() >= end {
            let text = format!("failed to wait for the end of pid {pid}: it still runs after {patience:?}");
            return Err(CliError::new(ExitStatus::Timeout, text));
        }
        thread::sleep(POLL_INTERVAL);
    }
    done(context, "the monitor has stopped")?;
    Ok(ExitStatus::Done)
}

fn done(context: &CommandContext, text: &str) -> Result<(), CliError> {
    if context.output.json {
        context.output.document(&json!({ "success": true, "message": text }))
    } else {
        context.output.line(text)
    }
}
