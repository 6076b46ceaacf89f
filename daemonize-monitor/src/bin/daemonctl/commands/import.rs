//! `import`.

use crate::args::ImportArguments;
use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::count;
use crate::import::{self, Imported};
use crate::output::Output;
use daemonize_monitor::{Config, Diagnostics};
use daemonize_sys::escape::escape_bytes;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The permissions of a new configuration: it may hold secrets in environments.
const CONFIG_MODE: u32 = 0o600;

/// Prints or writes the translation of a file of another supervisor.
pub(crate) fn import(output: Output, arguments: &ImportArguments) -> Result<ExitStatus, CliError> {
    let target = arguments.output.as_deref();
    let imported = import::import(&arguments.file, arguments.format, target)
        .map_err(|error| CliError::new(ExitStatus::Failed, error))?;
    // Variables that are not set here may be set where the monitor starts.
    let variables = |name: &str| std::env::var(name).ok();
    let checked = Config::parse(&imported.file, &imported.toml, &variables);
    if let Some(target) = target {
        write(target, &imported.toml)?;
    }
    if output.json {
        print_json(output, &imported, target, &checked)?;
        return Ok(ExitStatus::Done);
    }
    if target.is_none() {
        io::stdout().write_all(imported.toml.as_bytes())?;
    }
    imported.notes.iter().for_each(|note| output.warning(note));
    if let Err(mistakes) = &checked {
        output.warning("`daemonctl check` will not accept it on this machine as it is now:");
        mistakes.lines().for_each(|line| output.note(line));
    }
    let kept = count(imported.comments.len(), "comment");
    let summary = format!("{}, {kept} for what has no translation", count(imported.bots.len(), "bot"));
    match target {
        Some(target) => {
            let name = escape_bytes(target.as_os_str().as_bytes());
            output.line(format!("{name}: {summary}"))?;
            output.note(format!("next: read its comments, and validate it with `daemonctl -c {name} check`"));
        }
        None => output.note(summary),
    }
    Ok(ExitStatus::Done)
}

/// Writes a new file, which no other user can read.
fn write(target: &Path, toml: &str) -> Result<(), CliError> {
    let written = OpenOptions::new().write(true).create_new(true).mode(CONFIG_MODE).open(target);
    let written = written.and_then(|mut file| file.write_all(toml.as_bytes()));
    written.map_err(|error| {
        let cause = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is there already: write another path, or remove it".to_owned(),
            _ => error.to_string(),
        };
        CliError::failed("write", target.display(), cause)
    })
}

fn print_json(
    output: Output,
    imported: &Imported,
    target: Option<&Path>,
    checked: &Result<Config, Diagnostics>,
) -> Result<(), CliError> {
    let mistakes: Vec<String> =
        checked.as_ref().err().into_iter().flat_map(Diagnostics::iter).map(ToString::to_string).collect();
    output.document(&json!({
        "success": true,
        "format": format!("{:?}", imported.format).to_lowercase(),
        "bots": imported.bots,
        "comments": imported.comments,
        "notes": imported.notes,
        "mistakes": mistakes,
        "file": target,
        "toml": target.is_none().then_some(&imported.toml),
    }))
}
