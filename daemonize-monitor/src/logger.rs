//! The monitor's own log: to a file, a stream or syslog, as the configuration says.
//!
//! Own code, because `log4rs` and `simplelog` write in the thread that logs, which a full pipe or a hanging file system would
//! stop; `flexi_logger` queues without a bound; `tracing-appender` drops messages without a note in the log; and none of them
//! holds messages back until stderr leads where the daemon's output goes.

mod health;
mod stream_writer;
mod syslog;

use crate::bot::Log as LogConfig;
use crate::logs::{LogFile, LogPath};
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
use stream_writer::{LineFormat, QueuedMessage, StdStream, StreamQueue};
use syslog::Syslog;

/// More is not held back.
const MAX_HELD_MESSAGES: usize = 1000;

/// How long the end of the monitor waits for whoever reads its last words.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Writes down what the monitor says through the `log` crate: at most one in a process.
pub(crate) struct MonitorLogger {
    state: Mutex<LoggerState>,
    /// The lines for stdout and stderr.
    queue: Arc<StreamQueue>,
    /// Why nothing can be written: a copy that can be read while a message is being written.
    problem: Mutex<Option<String>>,
}

struct LoggerState {
    line_format: Arc<LineFormat>,
    handler: Option<Handler>,
    level: LevelFilter,
    syslog: Syslog,
    file: Option<Box<LogFile>>,
    health: Health,
    /// What goes to stdout and stderr.
    queue: Arc<StreamQueue>,
    /// Until when what is said is waited for: the monitor has ended.
    end: Option<Instant>,
    /// What is to be written when it is clear where stderr leads: until the daemon is ready, that is to its launcher.
    held_back: Option<Vec<(Level, String)>>,
}

thread_local! {
    /// Whether this thread is writing something down: what that has to say itself is not written.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

impl MonitorLogger {
    /// The recorder of this process, as these settings want it.
    pub(crate) fn for_monitor(settings: &Settings) -> &'static MonitorLogger {
        static ONLY: OnceLock<MonitorLogger> = OnceLock::new();
        let logger = ONLY.get_or_init(|| {
            let queue = Arc::<StreamQueue>::default();
            let state = Mutex::new(LoggerState {
                line_format: Arc::default(),
                handler: None,
                level: LevelFilter::Info,
                syslog: Syslog::default(),
                file: None,
                health: Health::default(),
                queue: Arc::clone(&queue),
                end: None,
                held_back: Some(Vec::new()),
            });
            MonitorLogger { state, queue, problem: Mutex::default() }
        });
        logger.configure(settings);
        logger
    }

    /// Does as these settings say from now on.
    pub(crate) fn configure(&self, settings: &Settings) {
        let mut state = lock(&self.state);
        state.line_format = Arc::new(LineFormat { name: settings.name.clone(), format: settings.log_format.clone() });
        state.level = settings.log_level;
        if state.handler != settings.log {
            state.handler.clone_from(&settings.log);
            state.syslog = Syslog::default();
            state.file = None;
            state.health = Health::default();
        }
        if is_installed(self) {
            log::set_max_level(settings.log_level);
        }
    }

    /// Begins to write down, unless the program has set a logger of its own. A log that cannot be opened is reported on stderr
    /// before this returns, while stderr still leads to the launcher.
    pub(crate) fn install(&'static self) {
        if log::set_logger(self).is_ok() {
            log::set_max_level(lock(&self.state).level);
            if self.with_state(|state| state.handler.is_some() && state.check()) {
                self.queue.drain(Instant::now() + DRAIN_TIMEOUT);
            }
        }
    }

    /// Writes what was held back: stderr leads where it is going to lead.
    pub(crate) fn release(&self) {
        self.with_state(|state| {
            for (level, message) in state.held_back.take().unwrap_or_default() {
                state.write(level, &message);
            }
            state.check();
        });
    }

    /// The same, and nothing is left to be written, unless nobody takes it: the process ends now.
    pub(crate) fn end(&self) {
        self.release();
        let end = Instant::now() + DRAIN_TIMEOUT;
        lock(&self.state).end = Some(end);
        self.queue.drain(end);
    }

    /// Opens a file again that something else has put aside.
    pub(crate) fn reopen(&self) {
        self.with_state(|state| {
            if let Some(log_file) = &mut state.file {
                log_file.reopen();
                state.check();
            }
        });
    }

    /// Returns why the log cannot be written now, and how many messages were lost since it could.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = lock(&self.problem).clone().or_else(|| self.queue.problem());
        problem.filter(|_| is_installed(self))
    }

    /// Tries to open a log that could not be written. May take as long as its file system does.
    pub(crate) fn check(&self) {
        if self.problem().is_some() {
            self.with_state(LoggerState::check);
        }
    }

    /// Calls `act` with the state. What this thread logs meanwhile is lost: it would wait for itself.
    fn with_state<T>(&self, act: impl FnOnce(&mut LoggerState) -> T) -> T {
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
fn is_installed(logger: &MonitorLogger) -> bool {
    std::ptr::addr_eq(log::logger(), logger)
}

impl Log for MonitorLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !WRITING.get() {
            self.with_state(|state| state.accept(record.level(), escape(&record.args().to_string()).into_owned()));
        }
    }

    fn flush(&self) {}
}

impl LoggerState {
    fn accept(&mut self, level: Level, message: String) {
        match &mut self.held_back {
            Some(held_back) if self.handler.is_none() && held_back.len() < MAX_HELD_MESSAGES => {
                held_back.push((level, message))
            }
            _ => self.write(level, &message),
        }
    }

    /// Writes a message. The first one after a gap is followed by a note of how many were lost; a file has noted it itself.
    fn write(&mut self, level: Level, message: &str) {
        let outcome = self.output(level, message);
        if self.health.record(outcome, 1) {
            self.report_on_stderr();
        }
        if let Some(note) = self.health.take_loss_note().filter(|_| self.file.is_none()) {
            let outcome = self.output(Level::Warn, &note);
            self.health.record(outcome, 1);
        }
    }

    /// Opens the log if it is not open. Returns `true` if a problem was reported on stderr.
    fn check(&mut self) -> bool {
        let outcome = match self.handler.clone().unwrap_or_else(default_handler) {
            Handler::Stdout | Handler::Stderr | Handler::Null => Ok(()),
            Handler::Syslog(_) => self.syslog.connect().map(drop),
            Handler::File(log) => {
                let log_file = self.log_file(&log);
                log_file.open_if_needed(Instant::now());
                write_result(log_file)
            }
        };
        let is_noticed = self.health.record(outcome, 0);
        if is_noticed {
            self.report_on_stderr();
        }
        is_noticed
    }

    /// Reports on stderr that messages are lost.
    fn report_on_stderr(&self) {
        let problem = self.health.problem().unwrap_or_default();
        let message = format!("the monitor's own log is not written: {problem}");
        self.enqueue(StdStream::Stderr, Level::Warn, &message);
    }

    fn output(&mut self, level: Level, message: &str) -> Result<(), String> {
        match self.handler.clone().unwrap_or_else(default_handler) {
            Handler::Syslog(facility) => self.syslog.send(facility, level, &self.line_format.name, message),
            Handler::Stdout => {
                self.enqueue(StdStream::Stdout, level, message);
                Ok(())
            }
            Handler::Stderr => {
                self.enqueue(StdStream::Stderr, level, message);
                Ok(())
            }
            Handler::Null => Ok(()),
            Handler::File(log) => {
                let line = self.line_format.line(SystemTime::now(), level, message) + "\n";
                let log_file = self.log_file(&log);
                log_file.write(line.as_bytes(), Instant::now());
                write_result(log_file)
            }
        }
    }

    fn log_file(&mut self, log: &LogConfig) -> &mut LogFile {
        self.file.get_or_insert_with(|| Box::new(LogFile::new(log, LogPath::new(&log.path, None))))
    }

    /// Whoever reads a stream may take its time: the monitor's is not to be spent on that.
    fn enqueue(&self, stream: StdStream, level: Level, message: &str) {
        self.queue.push(QueuedMessage {
            stream,
            line_format: Arc::clone(&self.line_format),
            level,
            message: message.to_owned(),
        });
        if let Some(end) = self.end {
            self.queue.drain(end);
        }
    }
}

/// Returns why a file cannot be written now, as an error.
fn write_result(log_file: &LogFile) -> Result<(), String> {
    log_file.lost().1.map_or(Ok(()), |write_result| Err(write_result.to_owned()))
}

/// Where somebody may see it: stderr, or syslog where that is `/dev/null`.
fn default_handler() -> Handler {
    let is_null = || {
        let (stderr, null) = (fs::metadata("/proc/self/fd/2").ok()?, fs::metadata("/dev/null").ok()?);
        Some(stderr.file_type().is_char_device() && stderr.rdev() == null.rdev())
    };
    if is_null().unwrap_or(true) { Handler::Syslog(Facility::default()) } else { Handler::Stderr }
}
