//! Warns of working directories that cannot be entered, and of logs that are not regular files.

use super::bot_entry::BotEntry;
use super::diagnostic::{Diagnostic, Location};
use crate::bot::LogTarget;
use crate::error::cause;
use crate::settings::{Handler, Settings};
use std::fs;
use std::io;
use std::path::Path;

/// Returns a warning for each directory that no bot can enter now, and for each log that is not a regular file: what is
/// written to it would be lost.
pub(super) fn warnings(bots: &[BotEntry], settings: &Settings) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if let Some(Handler::File(log)) = &settings.log {
        let why = unusable_log(&log.path).map(|why| format!("`log`: {why}"));
        warnings.extend(why.map(|text| Diagnostic { place: Location::whole(Path::new("")), text }));
    }
    for (bot, place) in bots.iter().flat_map(|entry| entry.bot.as_read().iter().map(|bot| (bot, &entry.place))) {
        let mut warn = |key: &str, why: String| {
            warnings.push(Diagnostic { place: place.clone(), text: format!("bot `{}`: `{key}`: {why}", bot.name) });
        };
        if let Some(Err(error)) = bot.directory.as_deref().map(enter) {
            let directory = bot.directory.as_deref().unwrap_or(Path::new("")).display();
            warn("cwd", format!("`{directory}` cannot be entered now: {}", cause(&error)));
        }
        for (key, target) in [("stdout", &bot.stdout), ("stderr", &bot.stderr)] {
            let LogTarget::File(log) = target else { continue };
            if let Some(why) = unusable_log(&log.path) {
                warn(key, why);
            }
        }
    }
    warnings
}

/// Checks that a path is a directory.
fn enter(directory: &Path) -> io::Result<()> {
    if fs::metadata(directory)?.is_dir() { Ok(()) } else { Err(nix::Error::ENOTDIR.into()) }
}

/// Returns why nothing will be written to a log, where something else than a file has its name.
fn unusable_log(path: &Path) -> Option<String> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    let what = match () {
        () if kind.is_file() => return None,
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_dir() => "a directory",
        () => "not a regular file",
    };
    let path = path.display();
    Some(format!(
        "`{path}` is {what}: what is written there would be lost: write the path of a file, \"inherit\" or \"null\""
    ))
}
