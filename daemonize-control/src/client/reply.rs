//! Converts responses into values and errors: refusals, and failures of event handlers.

use super::connection::Connect;
use super::error::{Error, ErrorKind, Result, quoted};
use super::json_limits;
use super::request::Request;
use super::response::{MAX_BODY, Response, malformed};
use super::target::Target;
use hyper::StatusCode;
use serde_json::Value;

/// The beginning of the message of the endpoint about an event without a handler.
const NO_HANDLER: &str = "no handler found for ";

/// Maximum size of a refusal that is parsed, in bytes: its text is short.
pub(super) const MAX_REFUSAL: usize = 64 << 10;

/// Sends a request, and returns the value of the reply; text that is not JSON is a string.
///
/// # Errors
/// The daemon cannot be reached, refuses, or does not answer with HTTP within the limits of a reply.
pub(super) async fn call(connector: &impl Connect, target: &Target, request: &Request) -> Result<Value> {
    let mut response = Response::of(connector, target, request).await?;
    let body = response.read_to_end(MAX_BODY).await?;
    check_status(response.request(), response.status, &body)?;
    if response.is_json {
        return json_limits::of_reply(&body).map_err(|why| malformed(response.request(), &why));
    }
    Ok(Value::String(String::from_utf8_lossy(&body).into_owned()))
}

/// Returns an error with the message in the body, if any, unless the status is one of success.
pub(super) fn check_status(request: &Request, status: StatusCode, body: &[u8]) -> Result<()> {
    if status.is_success() {
        return Ok(());
    }
    let json: Option<Value> = if body.len() <= MAX_REFUSAL { serde_json::from_slice(body).ok() } else { None };
    let message = json.as_ref().and_then(|json| json.get("message")?.as_str()).map(quoted);
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    let why = format!("the endpoint responded with {}{message}", status.as_u16());
    Err(Error::failed(ErrorKind::Refused(status.as_u16()), "request", request.route(), why))
}

/// Returns the reply of an event's handler, or the error that the handler reported.
pub(super) fn of_event(name: &str, reply: Value) -> Result<Value> {
    if reply.get("success") != Some(&Value::Bool(false)) {
        return Ok(reply);
    }
    let message = reply.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
    let kind = if message.starts_with(NO_HANDLER) { ErrorKind::NoHandler } else { ErrorKind::Handler };
    Err(Error::failed(kind, "handle event", quoted(name), quoted(message)))
}

/// Returns the body of an event: its name, and the fields of its data.
///
/// # Errors
/// The data is neither an object nor null, or has a field `name`.
pub(super) fn event(name: &str, data: Value) -> Result<Value> {
    let mut event = serde_json::Map::from_iter([("name".to_owned(), name.into())]);
    match data {
        Value::Null => {}
        Value::Object(data) if data.contains_key("name") => {
            let why = "its data cannot have a field `name`, which is the event's own";
            return Err(Error::failed(ErrorKind::Request, "send event", quoted(name), why));
        }
        Value::Object(data) => event.extend(data),
        _ => {
            let why = "its data is not a JSON object";
            return Err(Error::failed(ErrorKind::Request, "send event", quoted(name), why));
        }
    }
    Ok(Value::Object(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn event_has_one_name() {
        assert_eq!(event("a", json!({"b": 1})).unwrap(), json!({"name": "a", "b": 1}));
        assert_eq!(event("a", Value::Null).unwrap(), json!({"name": "a"}));
        for wrong in [json!({"name": "b"}), json!([1]), json!("text")] {
            assert_eq!(event("a", wrong).unwrap_err().kind(), ErrorKind::Request);
        }
    }

    #[test]
    fn failed_event_is_an_error_that_names_it() {
        let failed = |message: &str| of_event("a", json!({"success": false, "message": message})).unwrap_err();
        assert_eq!(failed("no handler found for a").kind(), ErrorKind::NoHandler);
        assert_eq!(failed("disk full").kind(), ErrorKind::Handler);
        assert_eq!(failed("disk full").to_string(), "failed to handle event `a`: disk full");
        assert_eq!(of_event("a", json!({"success": true})).unwrap(), json!({"success": true}));
    }
}
