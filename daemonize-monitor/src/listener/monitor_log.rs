//! The monitor's own log: its last messages, and a stream of new ones.

use super::blocking;
use super::log_answer::{LogAnswer, attachment, seconds};
use super::log_query::LogParameters;
use super::log_stream::{Subscription, event, stream};
use super::response::{ErrorResponse, Read, error_response};
use super::state::Listener;
use crate::error::{Error, ErrorKind};
use crate::json;
use crate::logger::MonitorMessage;
use crate::logs::LogQuery;
use axum::extract::{Query, State};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_sys::error::cause;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The capacity of the queue to a reader, in messages.
const MAX_QUEUED_MESSAGES: usize = 1024;

/// Answers `GET /monitor/log`.
pub(super) async fn log(
    State(listener): State<Listener>,
    Read(Query(parameters)): Read<Query<LogParameters>>,
) -> Response {
    answer(&listener, &parameters).await.unwrap_or_else(|response| *response)
}

async fn answer(listener: &Listener, parameters: &LogParameters) -> Result<Response, ErrorResponse> {
    let query = parameters.query()?;
    let Some(logger) = listener.0.reloader.as_deref().map(crate::config_reload::Reloader::logger) else {
        let why = "failed to read the log of the monitor: it has none, since it is part of another program";
        return Err(error_response(&Error::new(ErrorKind::Failed, why), &[]).into());
    };
    let (sender, news) = mpsc::channel(MAX_QUEUED_MESSAGES);
    let missed = Arc::default();
    let follower = parameters.follows().then(|| (sender, Arc::clone(&missed)));
    let messages = logger.messages(follower);
    let (searched, count) = (query.clone(), query.count);
    let found = blocking::run(move || messages.into_iter().filter(|message| is_wanted(message, &searched)).collect());
    let mut found: Vec<Arc<MonitorMessage>> = found.await.map_err(|error| {
        let why = format!("failed to read the log of the monitor: {}", cause(&error));
        error_response(&Error::new(ErrorKind::System, why), &[])
    })?;
    found.drain(..found.len().saturating_sub(count));
    if parameters.is_download() {
        return Ok(attachment("monitor", found.iter().map(|message| line(message)).collect::<String>().into_bytes()));
    }
    let entries: Vec<json::LogEntry> = found.iter().map(|message| entry(message)).collect();
    if !parameters.follows() {
        let log = Some(logger.destination());
        return Ok(LogAnswer { success: true, entries, kept: true, log, ..LogAnswer::default() }.response());
    }
    let first = entries.iter().map(|entry| event("entry", entry)).collect();
    let subscription = Subscription { news, missed, listener: listener.clone() };
    let to_events = move |message: Arc<MonitorMessage>| {
        if is_wanted(&message, &query) { event("entry", &entry(&message)) } else { String::new() }
    };
    Ok(stream(first, subscription, to_events))
}

fn is_wanted(message: &MonitorMessage, query: &LogQuery) -> bool {
    query.since.is_none_or(|since| message.time >= since)
        && query.filter.as_ref().is_none_or(|filter| filter.matches(message.text.as_bytes()))
}

fn entry(message: &MonitorMessage) -> json::LogEntry {
    json::LogEntry {
        time: Some(seconds(message.time)),
        level: Some(message.level.to_string()),
        text: message.text.to_string(),
        ..json::LogEntry::default()
    }
}

fn line(message: &MonitorMessage) -> String {
    format!("{} {} {}\n", crate::logs::time(Duration::from_millis(message.time)), message.level, message.text)
}
