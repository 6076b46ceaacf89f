//! Translates pm2's ecosystem file.

mod app;
pub(super) mod keys;
mod logs;
mod script;
mod values;

use super::document::{Comment, Document, TomlValue};
use super::keys::Entry;
use super::keys::Translation::Kept;
use super::limits;
use super::paths::Paths;
use super::source::{SourceError, SourceFile};
use serde_json::{Map, Value};

/// The most apps of a file.
const MAX_APPS: usize = 1000;

/// Translates a file.
///
/// # Errors
/// The file has code in it, or no apps.
pub(super) fn translate(file: &SourceFile, paths: &Paths) -> Result<Document, SourceError> {
    let mut document = Document::default();
    let stop = [("signal", TomlValue::expanded("INT")), ("timeout", TomlValue::expanded("1600ms"))];
    document.defaults.set("stop", TomlValue::table(stop));
    document.defaults.set("limit", limits::within_retries(limits::RESTARTS_OF_PM2, 1));
    let apps = match script::read(file)? {
        Value::Array(apps) => apps,
        Value::Object(mut top) => match top.remove("apps") {
            Some(apps) => {
                others(top, &mut document);
                if let Value::Array(apps) = apps { apps } else { vec![apps] }
            }
            None => vec![Value::Object(top)],
        },
        _ => return Err(file.error(0, "it has no apps: expected an object with `apps`")),
    };
    if apps.len() > MAX_APPS {
        return Err(file.error(0, format!("it has more than {MAX_APPS} apps: split it")));
    }
    for app in apps {
        match app {
            Value::Object(app) if app.contains_key("script") || app.contains_key("cmd") => {
                document.bots.push(app::translate(app, paths));
            }
            Value::Object(_) => return Err(file.error(0, "an app has no `script`")),
            _ => return Err(file.error(0, "an app is not an object")),
        }
    }
    Ok(document)
}

/// Keeps the other keys of the file.
fn others(top: Map<String, Value>, document: &mut Document) {
    for (key, value) in top {
        let known = keys::OF_FILES.iter().find(|(name, _)| *name == key);
        let reason = match known {
            Some((_, Kept(reason))) => *reason,
            _ => "not a known key",
        };
        let source = Entry::new(key, value, 0).source();
        document.others.push(Comment { source, line: 0, reason: reason.to_owned() });
    }
}
