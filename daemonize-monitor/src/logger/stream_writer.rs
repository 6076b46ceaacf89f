//! Lines for stdout and stderr: they wait for whoever reads these, and whoever had something to say does not.

use crate::settings::{Format, Line};
use daemonize_sys::mutex::{lock, wait, wait_timeout};
use log::Level;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// So many messages wait at most; further ones are lost.
const MOST: usize = 2000;
/// So many bytes of them.
const MOST_BYTES: usize = 1 << 20;

/// What lines look like.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) format: Format,
}

impl Shape {
    /// One line, without its end.
    pub(super) fn line(&self, time: SystemTime, level: Level, message: &str) -> String {
        let time = crate::logs::time(time.duration_since(UNIX_EPOCH).unwrap_or_default());
        let line = Line { time: &time, level: level.as_str(), name: &self.name, process: process::id(), message };
        self.format.line(&line)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stream: Stream,
    pub(super) shape: Arc<Shape>,
    pub(super) level: Level,
    pub(super) message: String,
}

/// A message that waits, since when, and how many are lost with it.
type Waiting = (Entry, SystemTime, u64);

/// Messages that a thread of its own writes, which may take as long as it takes.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Whether there is a thread that writes.
    has_writer: bool,
    /// Whether it is at it.
    writes: bool,
    /// Whether the last write failed: then the next message finds out whether that is over.
    fails: bool,
    /// How many were lost, which is not told yet, and where to tell it.
    lost: Option<(u64, Stream, Arc<Shape>)>,
}

impl Queue {
    /// Has a message written, or counts it as lost; comes back at once.
    pub(super) fn push(self: &Arc<Queue>, entry: Entry) {
        let mut state = self.state();
        if !state.has_writer {
            let queue = Arc::clone(self);
            // Without a thread it waits for the next one who says something.
            state.has_writer = thread::Builder::new().name("log".into()).spawn(move || queue.write_all()).is_ok();
        }
        // Once something was lost, there is to be room for more than one.
        let room = if state.lost.is_some() { 2 } else { 1 };
        if state.waiting.len() >= MOST / room || state.bytes + entry.message.len() > MOST_BYTES / room {
            state.lose(1, &entry);
        } else {
            if let Some(note) = state.note() {
                state.wait(note);
            }
            state.wait((entry, SystemTime::now(), 1));
        }
        self.changed.notify_all();
    }

    /// Waits until everything is written, at most until `end`.
    pub(super) fn drain(&self, end: Instant) {
        let mut state = self.state();
        while state.has_writer && (state.writes || !state.waiting.is_empty() || (state.lost.is_some() && !state.fails))
        {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait_timeout(&self.changed, state, left);
        }
    }

    /// Returns how many messages were lost if a stream takes none now.
    pub(super) fn problem(&self) -> Option<String> {
        let (lost, stream, _) = self.state().lost.clone()?;
        Some(format!("{lost} messages were lost: {stream:?} is not read").to_lowercase())
    }

    /// What the thread does.
    fn write_all(&self) {
        super::WRITING.set(true);
        loop {
            let (entry, time, count) = self.next();
            let line = entry.shape.line(time, entry.level, &entry.message) + "\n";
            let is_written = write(entry.stream, line.as_bytes());
            let mut state = self.state();
            state.fails = !is_written;
            if !is_written {
                state.lose(count, &entry);
            }
        }
    }

    /// Waits for something to write.
    fn next(&self) -> Waiting {
        let mut state = self.state();
        state.writes = false;
        self.changed.notify_all();
        loop {
            let next = match state.waiting.pop_front() {
                None if !state.fails => state.note(),
                next => next,
            };
            if let Some(next) = next {
                state.bytes = state.bytes.saturating_sub(next.0.message.len());
                state.writes = true;
                return next;
            }
            state = wait(&self.changed, state);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn wait(&mut self, waiting: Waiting) {
        self.bytes += waiting.0.message.len();
        self.waiting.push_back(waiting);
    }

    fn lose(&mut self, count: u64, entry: &Entry) {
        let before = self.lost.as_ref().map_or(0, |lost| lost.0);
        self.lost = Some((before + count, entry.stream, Arc::clone(&entry.shape)));
    }

    /// What tells of those that were lost.
    fn note(&mut self) -> Option<Waiting> {
        let (count, stream, shape) = self.lost.take()?;
        let message = format!("{count} messages lost: nobody took them");
        Some((Entry { stream, shape, level: Level::Warn, message }, SystemTime::now(), count))
    }
}

/// Writes to a stream past the lock that std has for it, which others need to say their last words. Whether all is written.
fn write(stream: Stream, mut bytes: &[u8]) -> bool {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let stream: BorrowedFd<'_> = match stream {
        Stream::Stdout => stdout.as_fd(),
        Stream::Stderr => stderr.as_fd(),
    };
    while !bytes.is_empty() {
        match unistd::write(stream, bytes) {
            Ok(count) if count > 0 => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            // Somebody else has made it so.
            Err(Errno::EAGAIN) => drop(poll(&mut [PollFd::new(stream, PollFlags::POLLOUT)], PollTimeout::NONE)),
            _ => return false,
        }
    }
    true
}
