//! The shape of each key of `[monitor]`. A key of `monitor_keys::KEYS` that is missing here fails a test.

use super::bot_schema::{log, log_file};
use super::shapes::{any_of, boolean, described, duration, list, table, text, text_such_as, word};
use serde_json::Value;

/// Returns the shape of a key of the monitor, with a description; `None` for a key that is not here.
pub(super) fn of_key(key: &str) -> Option<Value> {
    let (shape, description) = match key {
        "name" => (text(), "What the monitor is called. Default: after its file."),
        "pidfile" => (text(), "Its pidfile. Default: after its name."),
        "control" => (control(), "The port of its status page and endpoint, beside the Unix socket."),
        "log" => (handler(), "Where its own messages go. Default: syslog as a daemon, stderr in the foreground."),
        "log_level" => (levels(), "How much it says. Default: \"info\"."),
        "log_format" => (text_such_as(&["%(asctime)s %(levelname)s %(message)s"]), "The form of its messages."),
        "stop_timeout" => (duration(), "How long a shutdown may take in all. Default: \"60s\"."),
        "exit_when" => {
            (word(&["never", "any-gave-up", "all-ended"]), "When the monitor ends by itself. Default: \"never\".")
        }
        "webhook" => (webhook(), "An address that receives events."),
        _ => return None,
    };
    Some(described(shape, description))
}

fn control() -> Value {
    table([("tcp", text_such_as(&["127.0.0.1:4711"])), ("token", boolean())])
}

fn handler() -> Value {
    let facility = text_such_as(&["daemon", "user", "local0"]);
    let words = log(&["syslog", "stdout", "stderr", "null"]);
    any_of([words, log_file(), table([("syslog", facility)])])
}

fn levels() -> Value {
    word(&["off", "error", "warn", "info", "debug", "trace"])
}

fn webhook() -> Value {
    table([("url", text()), ("events", list(&text())), ("ca", text())])
}
