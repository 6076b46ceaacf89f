//! The last day of a bot: `GET /bots/NAME/history`.

use super::engine_request;
use super::response::{Read, error_response, ok};
use super::state::Listener;
use crate::error::{Error, ErrorKind};
use axum::extract::{Path, State};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_sys::escape::escape;
use serde_json::json;

/// Answers `GET /bots/NAME/history`.
pub(super) async fn history(State(listener): State<Listener>, Read(Path(name)): Read<Path<String>>) -> Response {
    match engine_request::bots(&listener.0.commands, Some(name.clone())).await {
        Err(error) => error_response(&error, &listener.names().await),
        Ok(bots) => {
            if let [bot] = &bots[..] {
                return ok(&json!({ "success": true, "history": listener.0.history.document(&bot.name) }));
            }
            let why = "it means several bots: name one of them";
            error_response(&Error::failed(ErrorKind::NoSuchBot, "find bot", escape(&name), why), &[])
        }
    }
}
