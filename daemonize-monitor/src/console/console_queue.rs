//! The bounded queue to stdout, and the thread that writes what is in it.

use super::console_item::{ConsoleItem, ConsoleStyle};
use super::console_line::LineWriter;
use super::std_stream::{StdStream, write_to_stream};
use crate::logs::now_in_ms;
use daemonize_sys::mutex::{lock, wait, wait_timeout};
use log::Level;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The size of all that is queued; further lines are lost.
const MAX_QUEUED_BYTES: usize = 4 << 20;

/// How long the exit of the monitor waits for a reader that reads nothing, and how long for any.
const STALL_TIMEOUT: Duration = Duration::from_millis(500);
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1500);

/// See the module.
pub(super) struct ConsoleQueue {
    state: Mutex<QueuedLines>,
    changed: Condvar,
    style: ConsoleStyle,
    /// The length of the longest name of a bot.
    width: usize,
}

#[derive(Default)]
struct QueuedLines {
    waiting: VecDeque<ConsoleItem>,
    bytes: usize,
    /// `true` once the thread runs.
    has_writer: bool,
    /// `true` while it writes an item.
    is_writing: bool,
    /// `true` if stdout cannot be written: the reader has closed it.
    is_broken: bool,
    /// The number of lines that were not shown, and of which nothing was said yet.
    lost: u64,
    /// The number of items that were written.
    written: u64,
}

impl ConsoleQueue {
    pub(super) fn new(style: ConsoleStyle, width: usize) -> ConsoleQueue {
        ConsoleQueue { state: Mutex::default(), changed: Condvar::new(), style, width }
    }

    /// Queues an item, or counts its lines as lost. Does not block.
    pub(super) fn push(self: &Arc<ConsoleQueue>, item: ConsoleItem) {
        let mut state = lock(&self.state);
        if !state.has_writer {
            let queue = Arc::clone(self);
            // If no thread can be created, the next line is another attempt.
            let run = move || queue.run_writer();
            state.has_writer = thread::Builder::new().name("console".into()).spawn(run).is_ok();
        }
        // After a loss, the queue must drain to half, so that it does not alternate between losing and accepting.
        let room = if state.lost > 0 { MAX_QUEUED_BYTES / 2 } else { MAX_QUEUED_BYTES };
        if state.bytes + item.size() > room {
            state.lost += item.line_count();
            return;
        }
        if let Some(note) = state.take_loss_note() {
            state.queue(note);
        }
        state.queue(item);
        self.changed.notify_all();
    }

    /// Writes what is queued, for ever.
    fn run_writer(&self) {
        let mut writer = LineWriter::new(self.style, self.width);
        loop {
            let item = self.next();
            let is_written = writer.write(&item, |bytes| write_to_stream(StdStream::Stdout, bytes));
            let mut state = lock(&self.state);
            state.is_broken = !is_written;
            state.written += 1;
            if !is_written {
                state.lost += item.line_count();
            }
        }
    }

    /// Waits for the next item.
    fn next(&self) -> ConsoleItem {
        let mut state = lock(&self.state);
        state.is_writing = false;
        self.changed.notify_all();
        loop {
            let next = match state.waiting.pop_front() {
                // After the reader has closed stdout, the note of that would be lost as well.
                None if !state.is_broken => state.take_loss_note(),
                next => next,
            };
            if let Some(next) = next {
                state.bytes = state.bytes.saturating_sub(next.size());
                state.is_writing = true;
                return next;
            }
            state = wait(&self.changed, state);
        }
    }

    /// Returns how many lines are not shown, if that has not been written.
    pub(super) fn problem(&self) -> Option<String> {
        let state = lock(&self.state);
        let why = if state.is_broken { "stdout is closed" } else { "stdout is not read" };
        (state.lost > 0).then(|| format!("{} lines were not shown: {why}", state.lost))
    }

    /// Waits until everything is written, as long as the reader takes something.
    pub(super) fn drain(&self) {
        let mut state = lock(&self.state);
        let end = Instant::now() + DRAIN_TIMEOUT;
        let (mut written, mut stalled_at) = (state.written, Instant::now() + STALL_TIMEOUT);
        while state.has_writer
            && (state.is_writing || !state.waiting.is_empty() || (state.lost > 0 && !state.is_broken))
        {
            if state.written != written {
                (written, stalled_at) = (state.written, Instant::now() + STALL_TIMEOUT);
            }
            let left = end.min(stalled_at).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait_timeout(&self.changed, state, left);
        }
    }
}

impl QueuedLines {
    fn queue(&mut self, item: ConsoleItem) {
        self.bytes += item.size();
        self.waiting.push_back(item);
    }

    /// Returns the message that reports lost lines, if any were lost.
    fn take_loss_note(&mut self) -> Option<ConsoleItem> {
        let lost = std::mem::take(&mut self.lost);
        let text = format!("{lost} lines were not shown: stdout was not read fast enough");
        (lost > 0).then(|| ConsoleItem::Message { time: now_in_ms(), level: Level::Warn, text: text.into() })
    }
}
