//! What a bot has printed, and prints.

use super::{ApiState, blocking, engine_request, json_body};
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
use json_body::{Read, answer, bad, refusal};
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};
use tokio_stream::Stream;

/// More lines are not shown at once.
const MAX_LINES: usize = 10_000;
/// So many pieces of output are kept for a reader who is busy; then some are lost.
const FOLLOW_CAPACITY: usize = 256;
/// How often something is sent to somebody who follows a silent bot: one who went without a word is noticed by that.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
pub(super) struct LogQuery {
    lines: Option<usize>,
    stream: Option<String>,
    follow: Option<String>,
}

/// `GET /bots/NAME/log`.
pub(super) async fn log(
    State(listener): State<ApiState>,
    Read(Path(name)): Read<Path<String>>,
    Read(Query(asked)): Read<Query<LogQuery>>,
) -> Response {
    let count = asked.lines.unwrap_or(100).min(MAX_LINES);
    let stream = asked.stream.as_deref().unwrap_or("both");
    if !["both", "stdout", "stderr"].contains(&stream) {
        return bad("`stream` is `stdout`, `stderr` or `both`");
    }
    let follows = asked.follow.as_deref().is_some_and(|follow| follow != "0");
    // Asked for first: a line that comes in between is shown twice rather than not at all.
    let coming = if follows { Some(follow(&listener, &name).await) } else { None };
    let (lines, coming) = match (last(&listener, &name, count, stream).await, coming) {
        (Err(error), _) | (_, Some(Err(error))) => return refusal(&error, &listener.names().await),
        (Ok(lines), coming) => (lines, coming.and_then(Result::ok)),
    };
    match coming {
        None => {
            answer(&json!({ "success": true, "lines": lines.as_deref().unwrap_or_default(), "kept": lines.is_some() }))
        }
        Some(coming) => live(&lines.unwrap_or_default(), coming),
    }
}

/// Returns the last lines of a bot; `None` if its output is not kept.
async fn last(listener: &ApiState, name: &str, count: usize, stream: &str) -> Result<Option<Vec<String>>, Error> {
    let command = Command::Tail(name.to_owned(), count);
    let bytes = match engine_request::send(&listener.0.commands, command, name, None).answer().await? {
        Answer::NotKept => return Ok(None),
        Answer::Lines(lines) if stream == "both" => lines,
        Answer::Files(files) => {
            let files = chosen(files, name, stream)?;
            let read = blocking::run(move || read(&files, count)).await;
            read.map_err(|error| Error::failed(ErrorKind::System, "read the log of", name, cause(&error)))??
        }
        _ => return Err(together(name)),
    };
    let lines: Vec<String> = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
    let skipped = lines.len().saturating_sub(count);
    Ok(Some(lines.into_iter().skip(skipped).collect()))
}

/// The file of a stream, where each has its own.
fn chosen(mut files: Vec<LogPath>, name: &str, stream: &str) -> Result<Vec<LogPath>, Error> {
    match (stream, files.len()) {
        ("both", _) => Ok(files),
        ("stdout", 2) => Ok(vec![files.swap_remove(0)]),
        ("stderr", 2) => Ok(vec![files.swap_remove(1)]),
        _ => Err(together(name)),
    }
}

fn together(name: &str) -> Error {
    let why = "its output and its errors are not kept apart in two files: ask for both";
    Error::failed(ErrorKind::Failed, "tell the streams apart of", name, why)
}

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

/// What comes out of a bot from now on, for as long as somebody reads it.
struct Following {
    lines: mpsc::Receiver<Vec<u8>>,
    listener: ApiState,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.lines.close();
        self.listener.0.commands.sender().post(Command::ObserverLeft);
    }
}

async fn follow(listener: &ApiState, name: &str) -> Result<Following, Error> {
    let (sender, lines) = mpsc::channel(FOLLOW_CAPACITY);
    let following = Following { lines, listener: listener.clone() };
    let command = Command::Follow(name.to_owned(), Follower::Reader(sender));
    engine_request::send(&listener.0.commands, command, name, None).answer().await?;
    Ok(following)
}

/// A stream of server-sent events: first those of lines that were there, then of those that come.
struct Live {
    first: Option<Bytes>,
    coming: Following,
    /// When something is sent though there is nothing to say.
    quiet: Pin<Box<Sleep>>,
}

impl Stream for Live {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let piece = match self.coming.lines.poll_recv(context) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(piece)) => events(String::from_utf8_lossy(&piece).lines()),
            Poll::Pending => {
                ready!(self.quiet.as_mut().poll(context));
                events(std::iter::empty())
            }
        };
        self.quiet.as_mut().reset(Instant::now() + KEEPALIVE_INTERVAL);
        Poll::Ready(Some(Ok(piece)))
    }
}

fn live(lines: &[String], coming: Following) -> Response {
    let first = Some(events(lines.iter().map(String::as_str)));
    let mut response =
        Response::new(Body::from_stream(Live { first, coming, quiet: Box::pin(sleep(KEEPALIVE_INTERVAL)) }));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One event `line` for each; a comment if there is none, so that the answer begins.
fn events<'a>(lines: impl Iterator<Item = &'a str>) -> Bytes {
    let mut text = String::new();
    for line in lines {
        text.push_str("event: line\ndata: ");
        text.push_str(&escape_json(&json!(line).to_string()));
        text.push_str("\n\n");
    }
    if text.is_empty() { Bytes::from_static(b":\n\n") } else { text.into() }
}
