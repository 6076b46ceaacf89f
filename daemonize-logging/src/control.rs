//! The event `log-level` of the endpoint.

use crate::level::{level, set_level};
use daemonize_control::serde_json::{Value, json};
use daemonize_control::{Event, default_handler};

/// The name of the event.
const LEVEL_EVENT: &str = "log-level";

/// Has every endpoint of this process answer the event: `{"name": "log-level", "level": "debug"}` sets the level, without `level` the
/// reply says which one applies.
pub(crate) fn serve_level_event() {
    default_handler(LEVEL_EVENT, |event: Event| {
        match &event["level"] {
            Value::Null => {}
            Value::String(directives) => set_level(directives).map_err(|error| error.to_string())?,
            _ => return Err("`level` is not a text, such as \"debug\" or \"info,hyper=warn\"".to_owned()),
        }
        Ok(json!({ "level": level() }))
    });
}
