//! Writes log lines to stdout and stderr on a thread of its own, so that a slow reader delays no caller.

use super::recursion::IS_LOGGING;
use crate::console::{StdStream, write_to_stream};
use crate::settings::{Format, Line};
use daemonize_sys::mutex::{lock, wait, wait_timeout};
use log::Level;
use std::collections::VecDeque;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The maximum number of queued messages; further ones are lost.
const MAX_QUEUED_MESSAGES: usize = 2000;
/// The maximum size of all queued messages.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// The format of lines, with the name of the monitor.
#[derive(Debug, Default)]
pub(super) struct LineFormat {
    pub(super) name: String,
    pub(super) format: Format,
}

impl LineFormat {
    /// Returns one line, without a newline.
    pub(super) fn line(&self, time: SystemTime, level: Level, message: &str) -> String {
        let time = crate::logs::time(time.duration_since(UNIX_EPOCH).unwrap_or_default());
        let line = Line { time: &time, level: level.as_str(), name: &self.name, process: process::id(), message };
        self.format.line(&line)
    }
}

/// A message for a stream.
#[derive(Debug)]
pub(super) struct QueuedMessage {
    pub(super) stream: StdStream,
    pub(super) line_format: Arc<LineFormat>,
    pub(super) level: Level,
    pub(super) message: String,
}

/// A queued message, when it was logged, and how many messages are lost if it is.
type Pending = (QueuedMessage, SystemTime, u64);

/// A bounded queue of messages, written by one thread.
#[derive(Default)]
pub(super) struct StreamQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Pending>,
    bytes: usize,
    /// `true` once the writer thread runs.
    has_writer: bool,
    /// `true` while that thread writes a message.
    is_writing: bool,
    /// `true` if the last write failed; the next message is the next attempt.
    write_failed: bool,
    /// The number of lost messages that is not logged yet, and the stream to log it to.
    lost: Option<(u64, StdStream, Arc<LineFormat>)>,
}

impl StreamQueue {
    /// Queues a message, or counts it as lost. Does not block.
    pub(super) fn push(self: &Arc<StreamQueue>, entry: QueuedMessage) {
        let mut state = self.state();
        if !state.has_writer {
            let queue = Arc::clone(self);
            // If no thread can be created, the next message retries.
            state.has_writer = thread::Builder::new().name("log".into()).spawn(move || queue.run_writer()).is_ok();
        }
        // After a loss, the queue must drain to half, so that it does not alternate between losing and accepting.
        let room = if state.lost.is_some() { 2 } else { 1 };
        if state.waiting.len() >= MAX_QUEUED_MESSAGES / room
            || state.bytes + entry.message.len() > MAX_QUEUED_BYTES / room
        {
            state.count_lost(1, &entry);
        } else {
            if let Some(loss_note) = state.loss_note() {
                state.enqueue(loss_note);
            }
            state.enqueue((entry, SystemTime::now(), 1));
        }
        self.changed.notify_all();
    }

    /// Waits until the queue is empty, at most until `end`.
    pub(super) fn drain(&self, end: Instant) {
        let mut state = self.state();
        while state.has_writer
            && (state.is_writing || !state.waiting.is_empty() || (state.lost.is_some() && !state.write_failed))
        {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait_timeout(&self.changed, state, left);
        }
    }

    /// Returns how many messages were lost, if a stream accepts none now.
    pub(super) fn problem(&self) -> Option<String> {
        let (lost, stream, _) = self.state().lost.clone()?;
        Some(format!("{lost} messages were lost: {stream:?} is not read").to_lowercase())
    }

    /// Runs the writer thread.
    fn run_writer(&self) {
        IS_LOGGING.set(true);
        loop {
            let (entry, time, count) = self.next();
            let line = entry.line_format.line(time, entry.level, &entry.message) + "\n";
            let is_written = write_to_stream(entry.stream, line.as_bytes());
            let mut state = self.state();
            state.write_failed = !is_written;
            if !is_written {
                state.count_lost(count, &entry);
            }
        }
    }

    /// Waits for the next message.
    fn next(&self) -> Pending {
        let mut state = self.state();
        state.is_writing = false;
        self.changed.notify_all();
        loop {
            let next = match state.waiting.pop_front() {
                None if !state.write_failed => state.loss_note(),
                next => next,
            };
            if let Some(next) = next {
                state.bytes = state.bytes.saturating_sub(next.0.message.len());
                state.is_writing = true;
                return next;
            }
            state = wait(&self.changed, state);
        }
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        lock(&self.state)
    }
}

impl QueueState {
    fn enqueue(&mut self, waiting: Pending) {
        self.bytes += waiting.0.message.len();
        self.waiting.push_back(waiting);
    }

    fn count_lost(&mut self, count: u64, entry: &QueuedMessage) {
        let before = self.lost.as_ref().map_or(0, |lost| lost.0);
        self.lost = Some((before + count, entry.stream, Arc::clone(&entry.line_format)));
    }

    /// Returns the message that reports lost messages, if any were lost.
    fn loss_note(&mut self) -> Option<Pending> {
        let (count, stream, line_format) = self.lost.take()?;
        let message = format!("{count} messages lost: the stream was not read");
        Some((QueuedMessage { stream, line_format, level: Level::Warn, message }, SystemTime::now(), count))
    }
}
