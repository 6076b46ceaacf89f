//! Translates the configurations of other supervisors. Their files are text of others: bounded, and never executed.

mod bot_names;
mod circus;
mod document;
mod format;
mod ini;
mod keys;
mod limits;
mod log_files;
mod paths;
mod pm2;
mod procfile;
mod render;
mod source;
mod supervisord;
#[cfg(test)]
mod tests;
mod units;
mod words;

pub(crate) use format::ImportFormat;

use document::Document;
use paths::Paths;
use serde_json::{Value, json};
use source::SourceFile;
use std::path::{Path, PathBuf};

/// A translated configuration.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) format: ImportFormat,
    /// The configuration, in TOML.
    pub(crate) toml: String,
    /// The names of the bots.
    pub(crate) bots: Vec<String>,
    /// The parts of the source that are comments in it, as JSON.
    pub(crate) comments: Vec<Value>,
    /// Changes that the user should know of.
    pub(crate) notes: Vec<String>,
    /// The file that relative paths in the configuration are meant for.
    pub(crate) file: PathBuf,
}

/// Translates a file, or standard input if it is `-`, for a configuration that is written to `output`.
///
/// # Errors
/// The file cannot be read, or is not one of the format.
pub(crate) fn import(file: &Path, format: Option<ImportFormat>, output: Option<&Path>) -> Result<Imported, String> {
    let source = SourceFile::read(file).map_err(|error| error.to_string())?;
    let format = match format {
        Some(format) => format,
        None => ImportFormat::of(&source.text).ok_or_else(|| source.error(0, unknown(&source.text)).to_string())?,
    };
    translate(&source, format, output).map_err(|error| error.to_string())
}

/// Returns what to do with a text of no known format.
fn unknown(text: &str) -> &'static str {
    if text.lines().any(|line| line.starts_with("apps:")) {
        return "it is YAML: convert it to JSON, and pipe that into `daemonctl import -`";
    }
    "it is not a known format: write --format supervisord, procfile, circus or pm2"
}

fn translate(
    source: &SourceFile,
    format: ImportFormat,
    output: Option<&Path>,
) -> Result<Imported, source::SourceError> {
    let target = output.map(|output| output.parent().filter(|parent| !parent.as_os_str().is_empty()));
    let target = target.map(|parent| parent.unwrap_or(Path::new(".")).canonicalize().unwrap_or_default());
    let stay_relative = target.as_ref() == Some(&source.directory);
    let paths = Paths { directory: source.directory.clone(), stay_relative };
    let mut document = match format {
        ImportFormat::Supervisord => supervisord::translate(source, &paths)?,
        ImportFormat::Procfile => procfile::translate(source, &paths)?,
        ImportFormat::Circus => circus::translate(source, &paths)?,
        ImportFormat::Pm2 => pm2::translate(source, &paths)?,
    };
    remove_empty(&mut document);
    bot_names::settle(&mut document);
    log_files::settle(&mut document);
    if document.bots.is_empty() {
        document.notes.push("it has no programs".into());
    }
    let title =
        format!("From {}, by `daemonctl import`. A comment says what has no translation, and why.", source.name);
    let toml = render::render(&document, &[title]);
    let comments = document
        .comments()
        .map(|(bot, kept)| json!({ "bot": bot, "source": kept.source, "line": kept.line, "reason": kept.reason }));
    let file = target.unwrap_or_else(|| source.directory.clone());
    Ok(Imported {
        format,
        toml,
        comments: comments.collect(),
        bots: document.bots.iter().map(|bot| bot.name.clone()).collect(),
        notes: document.notes,
        file: file.join(output.and_then(Path::file_name).unwrap_or("daemonctl.toml".as_ref())),
    })
}

/// Makes a bot without a command a comment: no table can be without one.
fn remove_empty(document: &mut Document) {
    let (whole, empty) =
        std::mem::take(&mut document.bots).into_iter().partition(|bot| bot.section.get("command").is_some());
    document.bots = whole;
    for bot in empty {
        for mut kept in bot.section.comments {
            kept.source = format!("[{}] {}", bot.name, kept.source);
            document.others.push(kept);
        }
        document
            .notes
            .push(format!("`{}` has no command, and became a comment", daemonize_sys::escape::escape(&bot.name)));
    }
}
