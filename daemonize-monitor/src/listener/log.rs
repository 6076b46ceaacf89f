//! The output of a bot: its last lines, and a stream of new ones.

use super::response::{Read, bad_request, error_response, ok};
use super::state::Listener;
use super::{blocking, engine_request};
use crate::command_queue::{Answer, Command};
use crate::error::{Error, ErrorKind};
use crate::logs::{Follower, LogPath, last_lines};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_sys::error::cause;
use daemonize_sys::escape::escape_json;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};
use tokio_stream::Stream;

/// The largest number of lines in one response.
const MAX_LINES: usize = 10_000;
/// The capacity of the queue to a reader, in chunks of output. When it is full, output is dropped.
const MAX_QUEUED_CHUNKS: usize = 256;
/// The interval of comments to a reader of a silent bot: writing to a connection is how its end is noticed.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The query of `GET /bots/NAME/log`.
#[derive(Debug, Deserialize)]
pub(super) struct LogQuery {
    lines: Option<usize>,
    stream: Option<String>,
    follow: Option<String>,
}

/// Answers `GET /bots/NAME/log`.
pub(super) async fn log(
    State(listener): State<Listener>,
    Read(Path(name)): Read<Path<String>>,
    Read(Query(query)): Read<Query<LogQuery>>,
) -> Response {
    let count = query.lines.unwrap_or(100).min(MAX_LINES);
    let stream = query.stream.as_deref().unwrap_or("both");
    if !["both", "stdout", "stderr"].contains(&stream) {
        return bad_request("`stream` is `stdout`, `stderr` or `both`");
    }
    let follows = query.follow.as_deref().is_some_and(|follow| follow != "0");
    // Subscribe first: a line that is printed in between is shown twice rather than not at all.
    let new_lines = if follows { Some(follow(&listener, &name).await) } else { None };
    let (lines, new_lines) = match (last(&listener, &name, count, stream).await, new_lines) {
        (Err(error), _) | (_, Some(Err(error))) => return error_response(&error, &listener.names().await),
        (Ok(lines), new_lines) => (lines, new_lines.and_then(Result::ok)),
    };
    match new_lines {
        None => ok(&json!({ "success": true, "lines": lines.as_deref().unwrap_or_default(), "kept": lines.is_some() })),
        Some(new_lines) => stream_lines(&lines.unwrap_or_default(), new_lines),
    }
}

/// Returns the last lines of a bot; `None` if its output is not kept.
async fn last(listener: &Listener, name: &str, count: usize, stream: &str) -> Result<Option<Vec<String>>, Error> {
    let command = Command::Tail(name.to_owned(), count);
    let bytes = match engine_request::send(&listener.0.commands, command, name, None).answer().await? {
        Answer::NotKept => return Ok(None),
        Answer::Lines(lines) if stream == "both" => lines,
        Answer::Files(files) => {
            let files = files_of_stream(files, name, stream)?;
            let read = blocking::run(move || read(&files, count)).await;
            read.map_err(|error| Error::failed(ErrorKind::System, "read the log of", name, cause(&error)))??
        }
        _ => return Err(not_separate(name)),
    };
    let lines: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
    let skipped = lines.len().saturating_sub(count);
    Ok(Some(lines.into_iter().skip(skipped).collect()))
}

/// Returns the file of a stream, if each stream has its own.
fn files_of_stream(mut files: Vec<LogPath>, name: &str, stream: &str) -> Result<Vec<LogPath>, Error> {
    match (stream, files.len()) {
        ("both", _) => Ok(files),
        ("stdout", 2) => Ok(vec![files.swap_remove(0)]),
        ("stderr", 2) => Ok(vec![files.swap_remove(1)]),
        _ => Err(not_separate(name)),
    }
}

/// Returns the error for streams that share one log.
fn not_separate(name: &str) -> Error {
    let why = "its stdout and stderr are in the same log: use `stream=both`";
    Error::failed(ErrorKind::Failed, "separate the streams of", name, why)
}

/// Reads the last lines of each file.
fn read(files: &[LogPath], count: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for place in files {
        let failed = |error: std::io::Error| {
            Error::failed(ErrorKind::System, "read", place.path().display(), crate::error::cause(&error))
        };
        bytes.extend(last_lines(place, count).map_err(failed)?);
    }
    Ok(bytes)
}

/// The output of a bot from now on. Dropping it unsubscribes.
struct Subscription {
    lines: mpsc::Receiver<Vec<u8>>,
    listener: Listener,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.lines.close();
        self.listener.0.commands.sender().post(Command::ObserverLeft);
    }
}

/// Subscribes to the output of a bot.
async fn follow(listener: &Listener, name: &str) -> Result<Subscription, Error> {
    let (sender, lines) = mpsc::channel(MAX_QUEUED_CHUNKS);
    let subscription = Subscription { lines, listener: listener.clone() };
    let command = Command::Follow(name.to_owned(), Follower::Reader(sender));
    engine_request::send(&listener.0.commands, command, name, None).answer().await?;
    Ok(subscription)
}

/// A stream of server-sent events: the lines that were there, then new ones.
struct LineStream {
    first: Option<Bytes>,
    subscription: Subscription,
    /// Elapses when a keep-alive comment is due.
    keepalive: Pin<Box<Sleep>>,
}

impl Stream for LineStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let piece = match self.subscription.lines.poll_recv(context) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(piece)) => events(String::from_utf8_lossy(&piece).lines()),
            Poll::Pending => {
                ready!(self.keepalive.as_mut().poll(context));
                events(std::iter::empty())
            }
        };
        self.keepalive.as_mut().reset(Instant::now() + KEEPALIVE_INTERVAL);
        Poll::Ready(Some(Ok(piece)))
    }
}

/// Returns a response that streams lines.
fn stream_lines(lines: &[String], subscription: Subscription) -> Response {
    let first = Some(events(lines.iter().map(String::as_str)));
    let mut response = Response::new(Body::from_stream(LineStream {
        first,
        subscription,
        keepalive: Box::pin(sleep(KEEPALIVE_INTERVAL)),
    }));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns one event `line` for each line; a comment if there is none, so that the response begins.
fn events<'a>(lines: impl Iterator<Item = &'a str>) -> Bytes {
    let mut text = String::new();
    for line in lines {
        text.push_str("event: line\ndata: ");
        text.push_str(&escape_json(&json!(line).to_string()));
        text.push_str("\n\n");
    }
    if text.is_empty() { Bytes::from_static(b":\n\n") } else { text.into() }
}
