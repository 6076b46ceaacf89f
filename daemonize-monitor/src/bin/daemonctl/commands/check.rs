//! `check`.

use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::count;
use crate::output::Output;
use daemonize_monitor::{__daemonctl, Diagnostic};
use daemonize_sys::escape::escape_bytes;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) fn check(output: Output, path: &Path) -> Result<ExitStatus, CliError> {
    match __daemonctl::check(path) {
        Ok(config) => {
            let bots: usize = config.bots.iter().map(|bot| bot.instances.map_or(1, |count| count as usize)).sum();
            if output.json {
                let warnings: Vec<Value> = config.warnings.iter().map(entry).collect();
                let answer = json!({ "success": true, "bots": bots, "files": config.files, "mistakes": [], "warnings": warnings });
                output.document(&answer)?;
                return Ok(ExitStatus::Done);
            }
            config.warnings.iter().for_each(|warning| output.warning(&warning.to_string()));
            output.line(format!(
                "{}: {}, no mistakes",
                escape_bytes(path.as_os_str().as_bytes()),
                count(bots, "bot")
            ))?;
            Ok(ExitStatus::Done)
        }
        Err(mistakes) => {
            if output.json {
                let all: Vec<Value> = mistakes.iter().map(entry).collect();
                output.document(&json!({ "success": false, "mistakes": all }))?;
            } else {
                mistakes.lines().for_each(|line| output.error(&line));
                output.note(count(mistakes.iter().len(), "mistake"));
            }
            Ok(ExitStatus::Failed)
        }
    }
}

fn entry(mistake: &Diagnostic) -> Value {
    let place = &mistake.place;
    json!({ "file": place.file, "line": place.line, "column": place.column, "text": mistake.text })
}
