//! Bodies of requests and answers.

use super::ApiState;
use crate::config::nearest;
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

/// Longer waits are as good as this one.
const MAX_WAIT: f64 = 86_400.0;

/// Returns an answer of status 200 with this JSON object, which says itself whether it is a success. Pass a type that
/// serializes rather than a large `Value`, which takes twenty times the memory of its text.
pub(super) fn answer(value: &impl Serialize) -> Response {
    response(StatusCode::OK, value)
}

/// An answer that takes the place of another.
pub(super) type ErrorResponse = Box<Response>;

/// What was asked for cannot be understood.
pub(super) fn bad(message: impl Into<String>) -> Response {
    response(StatusCode::BAD_REQUEST, &json!({ "success": false, "message": message.into() }))
}

fn response(status: StatusCode, value: &impl Serialize) -> Response {
    // The types of this crate have string keys only: they serialize.
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

/// Extracts a part of a request, and refuses one that cannot be read with JSON, where the extractors of axum answer with text.
pub(super) struct Read<E>(pub(super) E);

impl<S, E> FromRequestParts<S> for Read<E>
where
    S: Send + Sync,
    E: FromRequestParts<S, Rejection: Display>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        E::from_request_parts(parts, state).await.map(Read).map_err(|rejection| bad(rejection.to_string()))
    }
}

/// What could not be done; a name that is not known is compared with those that are.
pub(super) fn refusal(error: &Error, names: &[String]) -> Response {
    let mut value = json!({ "success": false, "message": message(error, names) });
    match error.kind() {
        ErrorKind::Timeout => value["timeout"] = true.into(),
        ErrorKind::NoSuchBot => value["unknown"] = true.into(),
        _ => {}
    }
    answer(&value)
}

/// The text of an error, with what may have been meant.
pub(super) fn message(error: &Error, names: &[String]) -> String {
    let text = error.to_string();
    if error.kind() != ErrorKind::NoSuchBot {
        return text;
    }
    let asked = text.split('`').nth(1).unwrap_or_default();
    match nearest(asked, names.iter().map(String::as_str)) {
        Some(near) => format!("{text} (did you mean `{near}`?)"),
        None => text,
    }
}

/// Several bots.
#[derive(Serialize)]
struct BotsBody<'a> {
    success: bool,
    bots: &'a [json::Bot],
}

/// The bots that a name means: `bot`, or `bots` where it means more than one.
pub(super) fn bots(listener: &ApiState, name: &str, bots: &[BotStatus]) -> Response {
    let shown = listener.shown(bots);
    match &shown[..] {
        [bot] if bot.name == name => answer(&json!({ "success": true, "bot": bot })),
        bots => answer(&BotsBody { success: true, bots }),
    }
}

/// A body as what it should be; none is an empty object.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ErrorResponse> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| bad(format!("failed to read the body: {error}")).into())
}

/// For how long to wait; `None` if not at all.
pub(super) fn wait(seconds: Option<f64>) -> Result<Option<Duration>, ErrorResponse> {
    let Some(seconds) = seconds else { return Ok(None) };
    let time = Duration::try_from_secs_f64(seconds.min(MAX_WAIT));
    time.map(Some).map_err(|_| bad("`wait` is a number of seconds, from 0 on").into())
}
