//! The output of bots: their last lines, and a stream of new ones.

use super::bulk::refuse_too_many;
use super::log_answer::{LogAnswer, download};
use super::log_query::LogParameters;
use super::log_stream::{MAX_QUEUED_CHUNKS, Subscription, event, events, filtered, stream};
use super::response::{ErrorResponse, Read, bad_request, error_response};
use super::state::Listener;
use super::{blocking, engine_request};
use crate::command_queue::{Answer, Command};
use crate::error::{Error, ErrorKind};
use crate::json::LogItem;
use crate::logs::{BotLog, Follower, FoundLines, LogNews, LogQuery, read_lines};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_sys::error::cause;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Answers `GET /bots/NAME/log`.
pub(super) async fn log(
    State(listener): State<Listener>,
    Read(Path(name)): Read<Path<String>>,
    Read(Query(parameters)): Read<Query<LogParameters>>,
) -> Response {
    let is_plain = !parameters.has_entries();
    answer(&listener, vec![name], &parameters, is_plain).await.unwrap_or_else(|response| *response)
}

/// Answers `GET /log`.
pub(super) async fn of_several(
    State(listener): State<Listener>,
    Read(Query(parameters)): Read<Query<LogParameters>>,
) -> Response {
    let names = parameters.bots.as_deref().unwrap_or_default().split(',').filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(str::to_owned).collect();
    if names.is_empty() {
        return bad_request("`bots` names the bots, such as `/log?bots=web,db`");
    }
    answer(&listener, names, &parameters, false).await.unwrap_or_else(|response| *response)
}

async fn answer(
    listener: &Listener,
    names: Vec<String>,
    parameters: &LogParameters,
    is_plain: bool,
) -> Result<Response, ErrorResponse> {
    let query = parameters.query()?;
    let file_name = if let [name] = &names[..] { name.clone() } else { "bots".to_owned() };
    let found = find(listener, names, &query, parameters.follows()).await;
    let (logs, found, subscription) = match found {
        Ok(found) => found,
        Err(error) => return Err(error_response(&error, &listener.names().await).into()),
    };
    if parameters.is_download() {
        return Ok(download(&file_name, &found, logs.len() > 1));
    }
    let answer = LogAnswer::of_bots(&logs, &found, is_plain, query.filter.is_none());
    let Some(mut subscription) = subscription else { return Ok(answer.response()) };
    let first: String = if let Some(lines) = answer.lines {
        lines.iter().map(|line| event("line", line)).collect()
    } else {
        LogItem::ordered(answer.entries, answer.runs).iter().map(log_item).collect()
    };
    let (_, closed) = mpsc::channel(1);
    let news = std::mem::replace(&mut subscription.news, closed);
    subscription.news = filtered(listener, &query, news);
    let to_events = move |news: LogNews| events(&news, query.stream, !is_plain);
    Ok(stream(first, subscription, to_events))
}

fn log_item(item: &LogItem) -> String {
    match item {
        LogItem::Entry(entry) => event("entry", entry),
        LogItem::RunEnded(run) => event("run", run),
    }
}

type LogsFound = (Vec<BotLog>, FoundLines, Option<Subscription<LogNews>>);

/// Returns the last lines of bots, and those that follow, if they are wanted.
async fn find(listener: &Listener, names: Vec<String>, query: &LogQuery, follows: bool) -> Result<LogsFound, Error> {
    refuse_too_many(&names, "read the logs")?;
    let what = names.join(", ");
    let (sender, news) = mpsc::channel(MAX_QUEUED_CHUNKS);
    let missed = Arc::default();
    let follower = follows.then(|| Follower::Reader(sender, Arc::clone(&missed)));
    let subscription = follows.then(|| Subscription { news, missed, listener: listener.clone() });
    let command = Command::Tail(names, follower);
    let Answer::Logs(logs) = engine_request::send(&listener.0.commands, command, &*what, None).answer().await? else {
        return Ok((Vec::new(), FoundLines::default(), subscription));
    };
    if let Some(log) = logs.iter().find(|log| query.stream.is_some() && !log.has_streams) {
        let why = "its stdout and stderr are in the same log: use `stream=both`";
        return Err(Error::failed(ErrorKind::Failed, "separate the streams of", &log.bot, why));
    }
    let query = query.clone();
    let read = blocking::run(move || read_lines(&logs, &query).map(|found| (logs, found))).await;
    let (logs, found) =
        read.map_err(|error| Error::failed(ErrorKind::System, "read the log of", what, cause(&error)))??;
    Ok((logs, found, subscription))
}
