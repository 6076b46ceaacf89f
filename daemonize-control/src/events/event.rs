//! An event that a client sent.

use serde_json::Value;
use std::ops::Deref;

/// An event that a client sent: a JSON object with a `name` and the fields that the client has added. Dereferences to the
/// [`Value`] of the object.
///
/// ```
/// # fn handler(event: daemon::control::Event) -> Result<(), String> {
/// let path = event["path"].as_str().ok_or("there is no `path`")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    name: String,
    value: Value,
}

impl Event {
    /// Makes an event of a JSON object; returns `None` if the object has no string `name`.
    pub(crate) fn new(value: Value) -> Option<Event> {
        let name = value.as_object()?.get("name")?.as_str()?.to_owned();
        Some(Event { name, value })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the whole object.
    pub fn into_value(self) -> Value {
        self.value
    }
}

impl Deref for Event {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}
