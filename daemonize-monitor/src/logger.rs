//! The logger: writes the monitor's own log to a file, a standard stream or syslog.
//!
//! No crate fits: `log4rs` and `simplelog` write in the thread that logs, which a full pipe or a hanging file system would block;
//! `flexi_logger` has an unbounded queue; `tracing-appender` drops messages without a note in the log; and none of them
//! holds messages back until stderr is the daemon's final stderr.

mod default_handler;
mod health;
mod logger_state;
mod message_log;
mod recursion;
mod stream_writer;
mod syslog;

use crate::console::Console;
use crate::settings::{Handler, Settings};
use daemonize_sys::escape::escape;
use daemonize_sys::mutex::lock;
pub(crate) use message_log::{MessageFollower, MonitorMessage};

use health::Health;
use log::{LevelFilter, Log, Metadata, Record};
use logger_state::LoggerState;
use message_log::MessageLog;
use recursion::IS_LOGGING;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use stream_writer::{LineFormat, StreamQueue};
use syslog::Syslog;

/// How long the exit of the monitor waits until its last messages are read.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// The logger of the `log` crate in a monitor: at most one per process.
pub(crate) struct MonitorLogger {
    state: Mutex<LoggerState>,
    /// The lines for stdout and stderr.
    queue: Arc<StreamQueue>,
    /// Why the log cannot be written. A copy that can be read while a message is being written.
    problem: Mutex<Option<String>>,
    /// The stdout of a container, to which the messages go as well unless they have another place.
    console: OnceLock<Arc<Console>>,
    /// The last messages.
    messages: MessageLog,
}

impl MonitorLogger {
    /// Returns the logger of this process, with these settings applied.
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
                console: None,
                held_back: Some(Vec::new()),
            });
            MonitorLogger {
                state,
                queue,
                problem: Mutex::default(),
                console: OnceLock::new(),
                messages: MessageLog::default(),
            }
        });
        logger.configure(settings);
        logger
    }

    /// Applies settings, also while the monitor runs.
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

    /// Installs the logger, unless the program has installed one. A log that cannot be opened is reported on stderr before this
    /// returns, while stderr is still a pipe to the launcher.
    pub(crate) fn install(&'static self) {
        if log::set_logger(self).is_ok() {
            log::set_max_level(lock(&self.state).level);
            if self.with_state(|state| state.handler.is_some() && state.check()) {
                self.queue.drain(Instant::now() + DRAIN_TIMEOUT);
            }
        }
    }

    /// Writes the messages that were held back: stderr is final now.
    pub(crate) fn release(&self) {
        self.with_state(|state| {
            for (level, message) in state.held_back.take().unwrap_or_default() {
                state.write(level, &message);
            }
            state.check();
        });
    }

    /// Writes everything that is left, and waits at most [`DRAIN_TIMEOUT`] for slow readers. Called before the process exits.
    pub(crate) fn end(&self) {
        self.release();
        let end = Instant::now() + DRAIN_TIMEOUT;
        lock(&self.state).end = Some(end);
        self.queue.drain(end);
        if let Some(console) = self.console.get() {
            console.drain();
        }
    }

    /// Writes messages there from now on, in the form of the lines of bots, unless the settings say another place than stdout.
    pub(crate) fn show_on(&self, console: &Arc<Console>) {
        let console = self.console.get_or_init(|| Arc::clone(console));
        lock(&self.state).console = Some(Arc::clone(console));
    }

    /// Reopens the log file, after an external rotation.
    pub(crate) fn reopen(&self) {
        self.with_state(|state| {
            if let Some(log_file) = &mut state.file {
                log_file.reopen();
                state.check();
            }
        });
    }

    /// Returns why the log cannot be written now, and how many messages were lost since it failed.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = lock(&self.problem).clone().or_else(|| self.queue.problem());
        problem.filter(|_| is_installed(self))
    }

    /// Returns how many lines were not shown on stdout, in a container.
    pub(crate) fn console_problem(&self) -> Option<String> {
        self.console.get()?.problem()
    }

    /// Returns the last messages. A follower is sent those that come after them.
    pub(crate) fn messages(&self, follower: Option<MessageFollower>) -> Vec<Arc<MonitorMessage>> {
        self.messages.read(follower)
    }

    /// Returns where the messages are written.
    pub(crate) fn destination(&self) -> String {
        match lock(&self.state).destination() {
            Handler::Syslog(_) => "syslog".into(),
            Handler::File(log) => log.path.display().to_string(),
            Handler::Stdout => "stdout".into(),
            Handler::Stderr => "stderr".into(),
            Handler::Null => "null".into(),
        }
    }

    /// Retries to open a log that could not be written. Blocks as long as its file system does.
    pub(crate) fn check(&self) {
        if self.problem().is_some() {
            self.with_state(LoggerState::check);
        }
    }

    /// Calls `act` with the locked state. Messages that this thread logs meanwhile are dropped: they would deadlock.
    fn with_state<T>(&self, act: impl FnOnce(&mut LoggerState) -> T) -> T {
        IS_LOGGING.set(true);
        let mut state = lock(&self.state);
        let outcome = act(&mut state);
        // Before the lock is released, so that no older problem overwrites a newer one.
        *lock(&self.problem) = state.health.problem();
        drop(state);
        IS_LOGGING.set(false);
        outcome
    }
}

/// Returns `true` if this is the logger of the `log` crate.
fn is_installed(logger: &MonitorLogger) -> bool {
    std::ptr::addr_eq(log::logger(), logger)
}

impl Log for MonitorLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !IS_LOGGING.get() {
            let message = escape(&record.args().to_string()).into_owned();
            self.messages.add(record.level(), &message);
            self.with_state(|state| state.accept(record.level(), message));
        }
    }

    fn flush(&self) {}
}
