//! Expands the patterns of `include` to files.

use super::diagnostic::Location;
use super::value::Value;
use crate::error::cause;
use std::path::PathBuf;

/// Returns the files that `include` patterns match, in alphabetical order for each pattern, with the location of the pattern.
pub(super) fn included_files(value: Value<'_>) -> Vec<(PathBuf, Location)> {
    let patterns = value.list("a list of patterns, such as [\"bots.d/*.toml\"]").unwrap_or_default();
    let mut found = Vec::new();
    for pattern in patterns {
        found.extend(matches(&pattern).unwrap_or_default().into_iter().map(|path| (path, pattern.place())));
    }
    found
}

fn matches(value: &Value<'_>) -> Option<Vec<PathBuf>> {
    let pattern = value.path()?;
    if cfg!(fuzzing) {
        return None; // A fuzzer would soon scan everything below `/`.
    }
    // Hidden files belong to editors.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let text = pattern.to_str()?;
    let found = match glob::glob_with(text, options) {
        Ok(found) => found.collect::<Result<Vec<_>, _>>(),
        Err(error) => return value.wrong(format!("`{text}` is no pattern: {}", error.msg)),
    };
    match found {
        Ok(found) if found.is_empty() => none_found(value, text),
        Ok(found) => Some(found),
        Err(error) => {
            value.wrong(format!("failed to look through `{}`: {}", error.path().display(), cause(error.error())))
        }
    }
}

/// Accepts that a pattern such as `bots.d/*.toml` matches no file if its directory exists. A missing file or directory is an
/// error: it may not be mounted, and a reload would stop every bot in it.
fn none_found(value: &Value<'_>, text: &str) -> Option<Vec<PathBuf>> {
    let Some(wild) = text.find(['*', '?', '[']) else {
        return value.wrong(format!("`{text}` matches no file: write one that is there, or leave it out"));
    };
    let directory = text[..wild].rsplit_once('/').map_or("/", |(directory, _)| directory);
    match std::fs::metadata(if directory.is_empty() { "/" } else { directory }) {
        Ok(status) if status.is_dir() => Some(Vec::new()),
        Ok(_) => value.wrong(format!("`{directory}` is not a directory: write `{text}` differently, or leave it out")),
        Err(error) => {
            value.wrong(format!("failed to look through `{directory}`: {}: make it, or leave it out", cause(&error)))
        }
    }
}
