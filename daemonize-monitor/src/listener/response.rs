//! Responses as JSON, and the parsing of request bodies.

use super::state::Listener;
use crate::bot_selector::suggestion;
use crate::error::{Error, ErrorKind};
use crate::json;
use crate::status::BotStatus;
use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_sys::escape::escape_json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

/// Longer waits are shortened to this, in seconds.
const MAX_WAIT: f64 = 86_400.0;

/// Returns a response of status 200 with this JSON object, whose `success` says whether the request succeeded. Pass a type that
/// serializes rather than a large `Value`, which takes twenty times the memory of its text.
pub(super) fn ok(value: &impl Serialize) -> Response {
    response(StatusCode::OK, value)
}

/// The response of a request that failed, as an error for `?`.
pub(super) type ErrorResponse = Box<Response>;

/// Returns a response of status 400.
pub(super) fn bad_request(message: impl Into<String>) -> Response {
    error_status(StatusCode::BAD_REQUEST, message)
}

/// Returns a response of this status.
pub(super) fn error_status(status: StatusCode, message: impl Into<String>) -> Response {
    response(status, &json!({ "success": false, "message": message.into() }))
}

fn response(status: StatusCode, value: &impl Serialize) -> Response {
    // Serialization fails only for maps with keys that are not strings; there are none.
    let text = serde_json::to_string(value).unwrap_or_default();
    let text = match escape_json(&text) {
        Cow::Owned(escaped) => escaped,
        Cow::Borrowed(_) => text,
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An extractor that rejects with a JSON body, where those of axum reject with text.
pub(super) struct Read<E>(pub(super) E);

impl<S, E> FromRequestParts<S> for Read<E>
where
    S: Send + Sync,
    E: FromRequestParts<S, Rejection: Display>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        E::from_request_parts(parts, state).await.map(Read).map_err(|rejection| bad_request(rejection.to_string()))
    }
}

/// Returns the response to a failed command. For an unknown name, it suggests the nearest of `names`.
pub(super) fn error_response(error: &Error, names: &[String]) -> Response {
    let mut value = json!({ "success": false, "message": message(error, names) });
    match error.kind() {
        ErrorKind::Timeout => value["timeout"] = true.into(),
        ErrorKind::NoSuchBot => value["unknown"] = true.into(),
        _ => {}
    }
    ok(&value)
}

/// Returns the text of an error, with a suggestion for an unknown name.
pub(super) fn message(error: &Error, names: &[String]) -> String {
    let text = error.to_string();
    if error.kind() != ErrorKind::NoSuchBot {
        return text;
    }
    let asked = text.split('`').nth(1).unwrap_or_default();
    format!("{text}{}", suggestion(asked, names.iter().map(String::as_str)))
}

/// A response with several bots.
#[derive(Serialize)]
struct BotList<'a> {
    success: bool,
    bots: &'a [json::BotReport],
}

/// Returns the response with the bots of a name: `bot`, or `bots` if they are several.
pub(super) fn bots(listener: &Listener, name: &str, bots: &[BotStatus]) -> Response {
    let documents = listener.documents(bots);
    match &documents[..] {
        [bot] if bot.name == name => ok(&json!({ "success": true, "bot": bot })),
        bots => ok(&BotList { success: true, bots }),
    }
}

/// A response with the bots of a command, and those that it stops with them.
#[derive(Serialize)]
struct AffectedBotList<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<&'a json::BotReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bots: Option<&'a [json::BotReport]>,
    also: &'a [String],
}

/// Returns the response to a command for the bots of a name: `bot`, or `bots` if they are several, and `also`.
pub(super) fn affected_bots(listener: &Listener, name: &str, bots: &[BotStatus], also: &[String]) -> Response {
    let documents = listener.documents(bots);
    let (bot, bots) = match &documents[..] {
        [bot] if bot.name == name => (Some(bot), None),
        bots => (None, Some(bots)),
    };
    ok(&AffectedBotList { success: true, bot, bots, also })
}

/// Parses a body. An empty one is an empty object.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ErrorResponse> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| bad_request(format!("failed to read the body: {error}")).into())
}

/// Validates the key `wait`.
pub(super) fn wait(seconds: Option<f64>) -> Result<Option<Duration>, ErrorResponse> {
    let Some(seconds) = seconds else { return Ok(None) };
    let time = Duration::try_from_secs_f64(seconds.min(MAX_WAIT));
    time.map(Some).map_err(|_| bad_request("`wait` is a number of seconds, from 0 on").into())
}
