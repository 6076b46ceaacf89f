//! Streams of lines, as server-sent events.

use super::blocking;
use super::log_answer::{run, seconds};
use super::state::Listener;
use crate::command_queue::Command;
use crate::json;
use crate::logs::{LineFilter, LogNews, LogQuery, OutputChunk, OutputStream};
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use daemonize_control::axum;
use daemonize_sys::escape::escape_json;
use serde::Serialize;
use serde_json::json;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};
use tokio_stream::Stream;

/// The capacity of the queue to a reader, in chunks of output. When it is full, output is dropped.
pub(super) const MAX_QUEUED_CHUNKS: usize = 256;
/// The interval of comments to a reader of a silent bot: writing to a connection is how its end is noticed.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The lines from now on. Dropping it unsubscribes.
pub(super) struct Subscription<T> {
    pub(super) news: mpsc::Receiver<T>,
    /// The number of lines that were dropped since the last report.
    pub(super) missed: Arc<AtomicU64>,
    pub(super) listener: Listener,
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.news.close();
        self.listener.0.commands.sender().post(Command::ObserverLeft);
    }
}

/// A stream of server-sent events: the lines that were there, then new ones.
struct LineStream<T> {
    first: Option<Bytes>,
    subscription: Subscription<T>,
    to_events: Box<dyn Fn(T) -> String + Send>,
    /// Elapses when a keep-alive comment is due.
    keepalive: Pin<Box<Sleep>>,
}

impl<T> Stream for LineStream<T> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        loop {
            let piece = match self.subscription.news.poll_recv(context) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(news)) => {
                    let missed = self.subscription.missed.swap(0, Relaxed);
                    let lost = if missed > 0 { event("lagged", &json!({ "missed": missed })) } else { String::new() };
                    lost + &(self.to_events)(news)
                }
                Poll::Pending => {
                    ready!(self.keepalive.as_mut().poll(context));
                    ":\n\n".into()
                }
            };
            // All its lines may be of another stream.
            if !piece.is_empty() {
                self.keepalive.as_mut().reset(Instant::now() + KEEPALIVE_INTERVAL);
                return Poll::Ready(Some(Ok(piece.into())));
            }
        }
    }
}

/// Returns a response that streams events: `first`, then those of the news.
pub(super) fn stream<T: Send + 'static>(
    first: String,
    subscription: Subscription<T>,
    to_events: impl Fn(T) -> String + Send + 'static,
) -> Response {
    let first = Some(if first.is_empty() { Bytes::from_static(b":\n\n") } else { first.into() });
    let keepalive = Box::pin(sleep(KEEPALIVE_INTERVAL));
    let lines = LineStream { first, subscription, to_events: Box::new(to_events), keepalive };
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns one server-sent event.
pub(super) fn event(name: &str, data: &impl Serialize) -> String {
    // Serialization fails only for maps with keys that are not strings; there are none.
    let text = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {}\n\n", escape_json(&text))
}

/// Returns the events of news of bots: `entry` for each line and `run` for the end of a run, or only `line`.
pub(super) fn events(news: &LogNews, stream: Option<OutputStream>, has_entries: bool) -> String {
    let chunk = match news {
        LogNews::Lines(chunk) if stream.is_none() || chunk.stamp.stream == stream => chunk,
        LogNews::RunEnded(bot, ended) if has_entries => return event("run", &run(&bot.name, ended)),
        _ => return String::new(),
    };
    let text = String::from_utf8_lossy(&chunk.lines);
    let lines = text.split_terminator('\n');
    if !has_entries {
        return lines.map(|line| event("line", &line)).collect();
    }
    let mut entry = json::LogEntry {
        time: Some(seconds(chunk.stamp.time)),
        stream: chunk.stamp.stream.map(|stream| stream.name().to_owned()),
        run: Some(chunk.stamp.run),
        bot: Some(chunk.bot.name.clone()),
        ..json::LogEntry::default()
    };
    let one = |line: &str| {
        entry.text.clear();
        entry.text.push_str(line);
        event("entry", &entry)
    };
    lines.map(one).collect()
}

/// Filters news. Each piece is searched on a thread of its own, since an expression may take long.
pub(super) fn filtered(
    listener: &Listener,
    query: &LogQuery,
    mut news: mpsc::Receiver<LogNews>,
) -> mpsc::Receiver<LogNews> {
    let Some(filter) = query.filter.clone() else { return news };
    let (sender, receiver) = mpsc::channel(1);
    let listener = listener.clone();
    tokio::spawn(async move {
        let mut gone = pin!(sender.closed());
        while let Some(next) = poll_fn(|context| match news.poll_recv(context) {
            Poll::Ready(next) => Poll::Ready(next),
            Poll::Pending => gone.as_mut().poll(context).map(|()| None),
        })
        .await
        {
            let filter = filter.clone();
            let Ok(Some(next)) = blocking::run(move || matching(&next, &filter)).await else { continue };
            if sender.send(next).await.is_err() {
                break;
            }
        }
        drop(news);
        listener.0.commands.sender().post(Command::ObserverLeft);
    });
    receiver
}

/// Returns the news without what does not match; `None` if nothing is left.
fn matching(news: &LogNews, filter: &LineFilter) -> Option<LogNews> {
    let LogNews::Lines(chunk) = news else { return None };
    let is_match = |line: &&[u8]| filter.matches(line.strip_suffix(b"\n").unwrap_or(line));
    let lines: Vec<&[u8]> = chunk.lines.split_inclusive(|byte| *byte == b'\n').filter(is_match).collect();
    let chunk = OutputChunk { bot: Arc::clone(&chunk.bot), stamp: chunk.stamp, lines: lines.concat().into() };
    (!chunk.lines.is_empty()).then(|| LogNews::Lines(Arc::new(chunk)))
}
