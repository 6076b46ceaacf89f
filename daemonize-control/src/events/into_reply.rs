//! What a handler may return.

use crate::json::{Object, failure, success};
use serde_json::Value;
use std::fmt::Display;

/// What a handler of an event may return.
///
/// * `()` and `null`: `{"success": true}`;
/// * a JSON object: its members, behind `"success": true` (which it may say otherwise);
/// * any other JSON value: `{"success": true, "result": …}`;
/// * `Ok` of these; `Err`: `{"success": false, "message": …}` with what it displays.
pub trait IntoReply {
    /// The object that is answered.
    fn into_reply(self) -> Object;
}

impl IntoReply for () {
    fn into_reply(self) -> Object {
        success()
    }
}

impl IntoReply for Value {
    fn into_reply(self) -> Object {
        match self {
            Value::Null => success(),
            Value::Object(object) => object.into_reply(),
            value => {
                let mut reply = success();
                reply.insert("result".to_owned(), value);
                reply
            }
        }
    }
}

impl IntoReply for Object {
    fn into_reply(self) -> Object {
        let mut reply = success();
        reply.extend(self);
        reply
    }
}

impl<T: IntoReply, E: Display> IntoReply for Result<T, E> {
    fn into_reply(self) -> Object {
        match self {
            Ok(reply) => reply.into_reply(),
            Err(error) => failure(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(reply: impl IntoReply) -> Value {
        Value::Object(reply.into_reply())
    }

    #[test]
    fn every_outcome_says_whether_it_is_a_success() {
        assert_eq!(reply(()), json!({"success": true}));
        assert_eq!(reply(Value::Null), json!({"success": true}));
        assert_eq!(reply(json!({"n": 1})), json!({"success": true, "n": 1}));
        assert_eq!(reply(json!([1])), json!({"success": true, "result": [1]}));
        assert_eq!(reply(json!({"success": false})), json!({"success": false}));
        assert_eq!(reply(Ok::<_, &str>(json!({"n": 1}))), json!({"success": true, "n": 1}));
        assert_eq!(reply(Err::<(), _>("no")), json!({"success": false, "message": "no"}));
    }
}
