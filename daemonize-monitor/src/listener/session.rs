//! Routes by which the status page exchanges the code of `daemonctl open` for a session.

use super::response::{error_status, ok};
use super::state::Listener;
use crate::sessions::{CODE_LIFETIME, Sessions};
use axum::Extension;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use daemonize_control::{Endpoint, Peer, axum};
use daemonize_sys::error::cause;
use nix::unistd::geteuid;
use serde_json::json;
use std::io;

/// The route of the exchange, the only one that accepts a code.
pub(super) const EXCHANGE: &str = "/session";

/// Returns the endpoint that accepts sessions, and codes for their exchange, beside the token.
pub(super) fn accepting(endpoint: Endpoint, sessions: Sessions) -> Endpoint {
    endpoint.accept_bearer(move |request: &Parts, bearer| match request.uri.path() {
        EXCHANGE => sessions.is_code(bearer),
        _ => sessions.is_open(bearer),
    })
}

/// Answers `POST /session/code`: makes a code, for root and the monitor's user over the Unix socket.
pub(super) async fn make_code(State(listener): State<Listener>, Extension(peer): Extension<Peer>) -> Response {
    match peer {
        Peer::Unix { uid, .. } if uid == 0 || uid == geteuid().as_raw() => {}
        _ => {
            let why = "permission denied: a code is made for root and the monitor's user alone, over the Unix socket";
            return error_status(StatusCode::FORBIDDEN, why);
        }
    }
    match listener.0.sessions.make_code() {
        Ok(code) => ok(&json!({ "success": true, "code": code, "valid_for": CODE_LIFETIME.as_secs() })),
        Err(error) => no_random_numbers(&error),
    }
}

/// Answers `POST /session`: opens a session for the code in `Authorization`.
pub(super) async fn open(State(listener): State<Listener>, headers: HeaderMap) -> Response {
    match listener.0.sessions.open(bearer(&headers)) {
        Ok(Some(session)) => ok(&json!({ "success": true, "session": session })),
        Ok(None) => error_status(StatusCode::UNAUTHORIZED, "the code is wrong, was used before or is older than 60 s"),
        Err(error) => no_random_numbers(&error),
    }
}

/// Answers `POST /session/end`: ends the session of the request, if it has one.
pub(super) async fn end(State(listener): State<Listener>, headers: HeaderMap) -> Response {
    listener.0.sessions.end(bearer(&headers));
    ok(&json!({ "success": true }))
}

/// Returns the credential of the request; the endpoint's access rules have refused a repeated header.
fn bearer(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    value.get(7..).unwrap_or_default()
}

fn no_random_numbers(error: &io::Error) -> Response {
    let why = format!("failed to make a key: {}", cause(error));
    error_status(StatusCode::INTERNAL_SERVER_ERROR, why)
}
