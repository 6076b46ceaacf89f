//! What a reply means.

use super::error::{Error, ErrorKind, Result, quoted};
use super::json;
use super::wire::{Head, Malformed, Reply, Request};
use serde_json::Value;

/// How the endpoint begins to say that nobody handles an event.
const NO_HANDLER: &str = "no handler found for ";

/// The most bytes of a refusal that are looked at: it has one short text.
pub(crate) const MAX_REFUSAL: usize = 64 << 10;

/// The value that was answered; text that is no JSON is a string.
pub(crate) fn value(request: &Request, reply: &Reply) -> Result<Value> {
    check_status(request, &reply.head, &reply.body)?;
    if reply.head.is_json {
        return json::of_reply(&reply.body).map_err(|why| malformed(request, &why));
    }
    Ok(Value::String(String::from_utf8_lossy(&reply.body).into_owned()))
}

/// What became of an event.
pub(crate) fn of_event(name: &str, reply: Value) -> Result<Value> {
    if reply.get("success") != Some(&Value::Bool(false)) {
        return Ok(reply);
    }
    let message = reply.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
    let kind = if message.starts_with(NO_HANDLER) { ErrorKind::NoHandler } else { ErrorKind::Handler };
    Err(Error::failed(kind, "handle event", quoted(name), quoted(message)))
}

/// The body of an event: the name, and what belongs to it.
pub(crate) fn event(name: &str, data: Value) -> Result<Value> {
    let mut event = serde_json::Map::from_iter([("name".to_owned(), name.into())]);
    match data {
        Value::Null => {}
        Value::Object(data) if data.contains_key("name") => {
            let why = "what belongs to it cannot have another `name`";
            return Err(Error::failed(ErrorKind::Request, "send event", quoted(name), why));
        }
        Value::Object(data) => event.extend(data),
        _ => {
            let why = "what belongs to it is no JSON object";
            return Err(Error::failed(ErrorKind::Request, "send event", quoted(name), why));
        }
    }
    Ok(Value::Object(event))
}

/// Whether the endpoint did what it was asked.
pub(crate) fn check_status(request: &Request, head: &Head, body: &[u8]) -> Result<()> {
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    let json: Option<Value> = body.get(..=MAX_REFUSAL).is_none().then(|| serde_json::from_slice(body).ok()).flatten();
    let message = json.as_ref().and_then(|json| json.get("message")?.as_str()).map(quoted);
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    let why = format!("the endpoint answered {}{message}", head.status);
    Err(Error::failed(ErrorKind::Refused(head.status), "ask for", request.route(), why))
}

/// What came was no reply.
pub(crate) fn not_http(request: &Request, Malformed(why): Malformed) -> Error {
    malformed(request, why)
}

/// The connection ended before the reply did.
///
/// A Unix socket that is closed while some of what was sent to it has not been read says so (`ECONNRESET`, and `EPIPE` where
/// not all could be sent). `unread` is that: then the endpoint never had the whole request, and has done nothing with it.
pub(crate) fn cut_off(request: &Request, nothing_came: bool, unread: bool) -> Error {
    if nothing_came && unread {
        let why = "the endpoint ended before it had read the request";
        return Error::failed(ErrorKind::Unreachable, "ask for", request.route(), why);
    }
    let why =
        if nothing_came { "the endpoint closed the connection without an answer" } else { "the answer is cut off" };
    Error::failed(ErrorKind::Reply, "ask for", request.route(), why)
}

fn malformed(request: &Request, why: &str) -> Error {
    Error::failed(ErrorKind::Reply, "understand the answer of", request.route(), quoted(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_has_one_name() {
        assert_eq!(event("a", json!({"b": 1})).unwrap(), json!({"name": "a", "b": 1}));
        assert_eq!(event("a", Value::Null).unwrap(), json!({"name": "a"}));
        for wrong in [json!({"name": "b"}), json!([1]), json!("text")] {
            assert_eq!(event("a", wrong).unwrap_err().kind(), ErrorKind::Request);
        }
    }

    #[test]
    fn a_failed_event_is_an_error_that_says_which() {
        let failed = |message: &str| of_event("a", json!({"success": false, "message": message})).unwrap_err();
        assert_eq!(failed("no handler found for a").kind(), ErrorKind::NoHandler);
        assert_eq!(failed("disk full").kind(), ErrorKind::Handler);
        assert_eq!(failed("disk full").to_string(), "failed to handle event `a`: disk full");
        assert_eq!(of_event("a", json!({"success": true})).unwrap(), json!({"success": true}));
    }
}
