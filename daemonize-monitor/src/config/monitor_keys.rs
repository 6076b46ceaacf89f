//! Reads the keys of `[monitor]`.

use super::log_targets;
use super::migration_hints;
use super::value::Value;
use super::value_parsers;
use super::webhook;
use crate::bot::{self, Log};
use crate::settings::{Control, ExitWhen, Facility, Format, Handler, Settings};
use log::LevelFilter;

/// The keys of `[monitor]`.
pub(super) const KEYS: &[&str] =
    &["name", "pidfile", "control", "log", "log_level", "log_format", "stop_timeout", "exit_when", "webhook"];

/// The levels, as they are written.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

/// Reads `[monitor]`.
pub(super) fn read(value: Value<'_>) -> Option<Settings> {
    let keys = value.keys(KEYS, migration_hints::OF_THE_MONITOR)?;
    // Without a name in it, its file gives it one.
    let mut settings = Settings { name: String::new(), ..Settings::default() };
    keys.set("name", &mut settings.name, |value| value.parsed(bot::check_name, "a name"));
    keys.set_some("pidfile", &mut settings.pidfile, |value| value.path());
    keys.set("control", &mut settings.control, control);
    keys.set_some("log", &mut settings.log, handler);
    keys.set("log_level", &mut settings.log_level, |value| value.parsed(level, "a level, such as \"info\""));
    keys.set("log_format", &mut settings.log_format, |value| {
        value.parsed(str::parse::<Format>, "a format, such as \"%(asctime)s %(message)s\"")
    });
    keys.set("stop_timeout", &mut settings.stop_timeout, |value| value.timeout());
    keys.set("exit_when", &mut settings.exit_when, |value| {
        value.parsed(str::parse::<ExitWhen>, "a condition, such as \"any-gave-up\"")
    });
    keys.set_some("webhook", &mut settings.webhook, webhook::read);
    Some(settings)
}

fn control(value: Value<'_>) -> Option<Control> {
    let keys = value.keys(&["tcp", "token"], &[])?;
    let mut control = Control::default();
    keys.set_some("tcp", &mut control.tcp, |value| {
        value.parsed(value_parsers::loopback, "an address, such as \"127.0.0.1:4711\"")
    });
    keys.set("token", &mut control.token, |value| value.truth());
    Some(control)
}

fn handler(value: Value<'_>) -> Option<Handler> {
    if let Some(text) = value.is_text().then(|| value.text()).flatten() {
        if text.contains('/') {
            return Some(Handler::of(Log::new(value.path()?)));
        }
        return value.parsed(handler_word, "");
    }
    match value.table("a word, or a table such as { file = \"PATH\" }")?.iter().find(|value| value.key == "syslog") {
        Some(_) => {
            let keys = value.keys(&["syslog"], &[])?;
            let facility = keys.get("syslog")?.parsed(str::parse::<Facility>, "a facility, such as \"daemon\"")?;
            Some(Handler::Syslog(facility))
        }
        None => log_targets::log(value).map(Handler::of),
    }
}

fn handler_word(text: &str) -> Result<Handler, String> {
    match text {
        "syslog" => Ok(Handler::Syslog(Facility::default())),
        "stdout" => Ok(Handler::Stdout),
        "stderr" => Ok(Handler::Stderr),
        "null" => Ok(Handler::Null),
        _ => Err(format!(
            "`{text}` is not known: write \"syslog\", \"stdout\", \"stderr\", \"null\", or a path such as \"./{text}\""
        )),
    }
}

/// Reads a level; the error says what to write.
pub(super) fn level(text: &str) -> Result<LevelFilter, String> {
    let found = LEVELS.iter().find(|(name, _)| *name == text).map(|(_, level)| *level);
    found.ok_or_else(|| {
        let known = super::suggestion::listed(LEVELS.iter().map(|(name, _)| *name), "or");
        format!("`{text}` is no level: write {known}")
    })
}
