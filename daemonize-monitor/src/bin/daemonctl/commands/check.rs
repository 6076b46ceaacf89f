//! `check`.

use crate::exit_status::{Exit, Failure};
use crate::human_format::count;
use crate::output::Screen;
use daemonize_monitor::{__daemonctl, Mistake};
use daemonize_sys::escape::escape_bytes;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) fn check(screen: Screen, path: &Path) -> Result<Exit, Failure> {
    match __daemonctl::check(path) {
        Ok(config) => {
            let bots: usize = config.bots.iter().map(|bot| bot.instances.map_or(1, |count| count as usize)).sum();
            if screen.json {
                let warnings: Vec<Value> = config.warnings.iter().map(entry).collect();
                let answer = json!({ "success": true, "bots": bots, "files": config.files, "mistakes": [], "warnings": warnings });
                screen.document(&answer)?;
                return Ok(Exit::Done);
            }
            config.warnings.iter().for_each(|warning| screen.warning(&warning.to_string()));
            screen.line(format!(
                "{}: {}, no mistakes",
                escape_bytes(path.as_os_str().as_bytes()),
                count(bots, "bot")
            ))?;
            Ok(Exit::Done)
        }
        Err(mistakes) => {
            if screen.json {
                let all: Vec<Value> = mistakes.iter().map(entry).collect();
                screen.document(&json!({ "success": false, "mistakes": all }))?;
            } else {
                mistakes.lines().for_each(|line| screen.error(&line));
                screen.note(count(mistakes.iter().len(), "mistake"));
            }
            Ok(Exit::Failed)
        }
    }
}

fn entry(mistake: &Mistake) -> Value {
    let place = &mistake.place;
    json!({ "file": place.file, "line": place.line, "column": place.column, "text": mistake.text })
}
