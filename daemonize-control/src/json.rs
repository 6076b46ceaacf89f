//! JSON of responses: in one line, without characters that a terminal would act upon.

use daemonize_sys::escape::escape_json;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Returns `{"success": true}`, to which members can be added.
pub(crate) fn success() -> Object {
    object([("success", Value::Bool(true))])
}

/// Returns `{"success": false, "message": …}`.
pub(crate) fn failure(message: impl Into<String>) -> Object {
    object([("success", Value::Bool(false)), ("message", Value::String(message.into()))])
}

/// Returns an object with these members, in this order.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns the value as JSON in one line. All control and format characters are escaped, including those that JSON allows and
/// terminals act upon.
pub(crate) fn print(value: &impl serde::Serialize) -> Vec<u8> {
    // Serializing fails only for maps whose keys are not strings, and this crate has none.
    let text = serde_json::to_string(value).unwrap_or_default();
    match escape_json(&text) {
        Cow::Owned(escaped) => escaped.into_bytes(),
        Cow::Borrowed(_) => text.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 5.16. Promise 5.18.
    #[test]
    fn response_with_control_characters_is_escaped() {
        let wild = "a\x1b[31m\u{9b}2J\x7f\r\n\t\"é\u{85}\u{202e}\u{61c}\u{200b}\u{e0041}";
        let text = String::from_utf8(print(&failure(wild))).unwrap();
        assert!(text.chars().all(|letter| matches!(letter, ' '..='~' | 'é')), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["message"], wild);
    }
}
