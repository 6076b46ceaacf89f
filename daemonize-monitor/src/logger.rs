//! The monitor's own log: to a file, a stream or syslog, as the configuration says.
//!
//! Own code, because `log4rs` and `simplelog` write in the thread that logs, which a full pipe or a hanging file system would
//! stop; `flexi_logger` queues without a bound; `tracing-appender` drops messages without a note in the log; and none of them
//! holds messages back until stderr leads where the daemon's output goes.

mod health;
mod stream_writer;
mod syslog;

use crate::bot::Log as LogFile;
use crate::logs::{Place, Sink};
use crate::settings::{Facility, Handler, Settings};
use daemonize_sys::escape::escape;
use daemonize_sys::mutex::lock;
use health::Health;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use stream_writer::{Entry, Queue, Shape, Stream};
use syslog::Syslog;

/// More is not held back.
const MOST_HELD: usize = 1000;

/// How long the end of the monitor waits for whoever reads its last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Writes down what the monitor says through the `log` crate: at most one in a process.
pub(crate) struct Recorder {
    state: Mutex<State>,
    /// The lines for stdout and stderr.
    queue: Arc<Queue>,
    /// Why nothing can be written: a copy that can be read while a message is being written.
    problem: Mutex<Option<String>>,
}

struct State {
    shape: Arc<Shape>,
    handler: Option<Handler>,
    level: LevelFilter,
    syslog: Syslog,
    file: Option<Box<Sink>>,
    health: Health,
    /// What goes to stdout and stderr.
    queue: Arc<Queue>,
    /// Until when what is said is waited for: the monitor has ended.
    end: Option<Instant>,
    /// What is to be written when it is clear where stderr leads: until the daemon is ready, that is to its launcher.
    held: Option<Vec<(Level, String)>>,
}

thread_local! {
    /// Whether this thread is writing something down: what that has to say itself is not written.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

impl Recorder {
    /// The recorder of this process, as these settings want it.
    pub(crate) fn for_monitor(settings: &Settings) -> &'static Recorder {
        static ONLY: OnceLock<Recorder> = OnceLock::new();
        let recorder = ONLY.get_or_init(|| {
            let queue = Arc::<Queue>::default();
            let state = Mutex::new(State {
                shape: Arc::default(),
                handler: None,
                level: LevelFilter::Info,
                syslog: Syslog::default(),
                file: None,
                health: Health::default(),
                queue: Arc::clone(&queue),
                end: None,
                held: Some(Vec::new()),
            });
            Recorder { state, queue, problem: Mutex::default() }
        });
        recorder.configure(settings);
        recorder
    }

    /// Does as these settings say from now on.
    pub(crate) fn configure(&self, settings: &Settings) {
        let mut state = lock(&self.state);
        state.shape = Arc::new(Shape { name: settings.name.clone(), format: settings.log_format.clone() });
        state.level = settings.log_level;
        if state.handler != settings.log {
            state.handler.clone_from(&settings.log);
            state.syslog = Syslog::default();
            state.file = None;
            state.health = Health::default();
        }
        if is_ours(self) {
            log::set_max_level(settings.log_level);
        }
    }

    /// Begins to write down, unless the program has set a logger of its own. A log that cannot be opened is reported on stderr
    /// before this returns, while stderr still leads to the launcher.
    pub(crate) fn begin(&'static self) {
        if log::set_logger(self).is_ok() {
            log::set_max_level(lock(&self.state).level);
            if self.silently(|state| state.handler.is_some() && state.check()) {
                self.queue.drain(Instant::now() + LAST_WORDS);
            }
        }
    }

    /// Writes what was held back: stderr leads where it is going to lead.
    pub(crate) fn release(&self) {
        self.silently(|state| {
            for (level, message) in state.held.take().unwrap_or_default() {
                state.write(level, &message);
            }
            state.check();
        });
    }

    /// The same, and nothing is left to be written, unless nobody takes it: the process ends now.
    pub(crate) fn end(&self) {
        self.release();
        let end = Instant::now() + LAST_WORDS;
        lock(&self.state).end = Some(end);
        self.queue.drain(end);
    }

    /// Opens a file again that something else has put aside.
    pub(crate) fn reopen(&self) {
        self.silently(|state| {
            if let Some(sink) = &mut state.file {
                sink.reopen();
                state.check();
            }
        });
    }

    /// Returns why the log cannot be written now, and how many messages were lost since it could.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = lock(&self.problem).clone().or_else(|| self.queue.problem());
        problem.filter(|_| is_ours(self))
    }

    /// Tries to open a log that could not be written. May take as long as its file system does.
    pub(crate) fn check(&self) {
        if self.problem().is_some() {
            self.silently(State::check);
        }
    }

    /// Calls `act` with the state. What this thread logs meanwhile is lost: it would wait for itself.
    fn silently<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        WRITING.set(true);
        let mut state = lock(&self.state);
        let outcome = act(&mut state);
        // Before another thread can find out more.
        *lock(&self.problem) = state.health.problem();
        drop(state);
        WRITING.set(false);
        outcome
    }
}

/// Whether this is the one that writes.
fn is_ours(recorder: &Recorder) -> bool {
    std::ptr::addr_eq(log::logger(), recorder)
}

impl Log for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !WRITING.get() {
            self.silently(|state| state.take(record.level(), escape(&record.args().to_string()).into_owned()));
        }
    }

    fn flush(&self) {}
}

impl State {
    fn take(&mut self, level: Level, message: String) {
        match &mut self.held {
            Some(held) if self.handler.is_none() && held.len() < MOST_HELD => held.push((level, message)),
            _ => self.write(level, &message),
        }
    }

    /// Writes a message. The first one after a gap is followed by a note of how many were lost; a file has noted it itself.
    fn write(&mut self, level: Level, message: &str) {
        let outcome = self.output(level, message);
        if self.health.take(outcome, 1) {
            self.notice();
        }
        if let Some(note) = self.health.take_lost().filter(|_| self.file.is_none()) {
            let outcome = self.output(Level::Warn, &note);
            self.health.take(outcome, 1);
        }
    }

    /// Opens the log if it is not open. Returns `true` if a problem was reported on stderr.
    fn check(&mut self) -> bool {
        let outcome = match self.handler.clone().unwrap_or_else(usual) {
            Handler::Stdout | Handler::Stderr | Handler::Null => Ok(()),
            Handler::Syslog(_) => self.syslog.connect().map(drop),
            Handler::File(log) => {
                let sink = self.sink(&log);
                sink.look(Instant::now());
                trouble(sink)
            }
        };
        let is_noticed = self.health.take(outcome, 0);
        if is_noticed {
            self.notice();
        }
        is_noticed
    }

    /// Reports on stderr that messages are lost.
    fn notice(&self) {
        let problem = self.health.problem().unwrap_or_default();
        let message = format!("the monitor's own log is not written: {problem}");
        self.queue(Stream::Stderr, Level::Warn, &message);
    }

    fn output(&mut self, level: Level, message: &str) -> Result<(), String> {
        match self.handler.clone().unwrap_or_else(usual) {
            Handler::Syslog(facility) => self.syslog.send(facility, level, &self.shape.name, message),
            Handler::Stdout => {
                self.queue(Stream::Stdout, level, message);
                Ok(())
            }
            Handler::Stderr => {
                self.queue(Stream::Stderr, level, message);
                Ok(())
            }
            Handler::Null => Ok(()),
            Handler::File(log) => {
                let line = self.shape.line(SystemTime::now(), level, message) + "\n";
                let sink = self.sink(&log);
                sink.write(line.as_bytes(), Instant::now());
                trouble(sink)
            }
        }
    }

    fn sink(&mut self, log: &LogFile) -> &mut Sink {
        self.file.get_or_insert_with(|| Box::new(Sink::new(log, Place::new(&log.path, None))))
    }

    /// Whoever reads a stream may take its time: the monitor's is not to be spent on that.
    fn queue(&self, stream: Stream, level: Level, message: &str) {
        self.queue.push(Entry { stream, shape: Arc::clone(&self.shape), level, message: message.to_owned() });
        if let Some(end) = self.end {
            self.queue.drain(end);
        }
    }
}

/// Returns why a file cannot be written now, as an error.
fn trouble(sink: &Sink) -> Result<(), String> {
    sink.lost().1.map_or(Ok(()), |trouble| Err(trouble.to_owned()))
}

/// Where somebody may see it: stderr, or syslog where that is `/dev/null`.
fn usual() -> Handler {
    let is_null = || {
        let (stderr, null) = (fs::metadata("/proc/self/fd/2").ok()?, fs::metadata("/dev/null").ok()?);
        Some(stderr.file_type().is_char_device() && stderr.rdev() == null.rdev())
    };
    if is_null().unwrap_or(true) { Handler::Syslog(Facility::default()) } else { Handler::Stderr }
}
