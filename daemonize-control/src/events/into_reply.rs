//! The conversion of values into replies of event handlers.

use crate::json::{Object, failure, success};
use serde_json::Value;
use std::fmt::Display;

/// A value that an event handler may return.
///
/// * `()` and `null`: `{"success": true}`;
/// * a JSON object: `"success": true` and the members of the object, which may override `success`;
/// * any other JSON value: `{"success": true, "result": …}`;
/// * `Ok` of one of these; `Err`: `{"success": false, "message": …}` with the text of the error.
pub trait IntoReply {
    /// Returns the object with which the endpoint responds.
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
    fn reply_of_any_type_states_its_success() {
        assert_eq!(reply(()), json!({"success": true}));
        assert_eq!(reply(Value::Null), json!({"success": true}));
        assert_eq!(reply(json!({"n": 1})), json!({"success": true, "n": 1}));
        assert_eq!(reply(json!([1])), json!({"success": true, "result": [1]}));
        assert_eq!(reply(json!({"success": false})), json!({"success": false}));
        assert_eq!(reply(Ok::<_, &str>(json!({"n": 1}))), json!({"success": true, "n": 1}));
        assert_eq!(reply(Err::<(), _>("no")), json!({"success": false, "message": "no"}));
    }
}
