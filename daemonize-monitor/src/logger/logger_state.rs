//! The state of the logger: its settings, and the destination that is open.

use super::default_handler::default_handler;
use super::health::Health;
use super::stream_writer::{LineFormat, QueuedMessage, StreamQueue};
use super::syslog::Syslog;
use crate::bot::Log as LogConfig;
use crate::console::{Console, StdStream};
use crate::logs::{LogFile, LogPath};
use crate::settings::Handler;
use log::{Level, LevelFilter};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// The maximum number of messages that are held back.
const MAX_HELD_MESSAGES: usize = 1000;

/// The settings of the logger, and the destinations that are open.
pub(super) struct LoggerState {
    pub(super) line_format: Arc<LineFormat>,
    pub(super) handler: Option<Handler>,
    pub(super) level: LevelFilter,
    pub(super) syslog: Syslog,
    pub(super) file: Option<Box<LogFile>>,
    pub(super) health: Health,
    /// Messages for stdout and stderr.
    pub(super) queue: Arc<StreamQueue>,
    /// When waiting for queued messages ends; set once the monitor has stopped.
    pub(super) end: Option<Instant>,
    /// As above.
    pub(super) console: Option<Arc<Console>>,
    /// Messages held back until the daemon is ready: until then, stderr is a pipe to the launcher.
    pub(super) held_back: Option<Vec<(Level, String)>>,
}

impl LoggerState {
    pub(super) fn accept(&mut self, level: Level, message: String) {
        match &mut self.held_back {
            Some(held_back) if self.handler.is_none() && held_back.len() < MAX_HELD_MESSAGES => {
                held_back.push((level, message));
            }
            _ => self.write(level, &message),
        }
    }

    /// Writes a message. The first one after a gap is followed by a note of the number lost; a log file notes that itself.
    pub(super) fn write(&mut self, level: Level, message: &str) {
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
    pub(super) fn check(&mut self) -> bool {
        let outcome = match self.destination() {
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

    /// Returns the configured destination, or the default one.
    pub(super) fn destination(&self) -> Handler {
        match &self.handler {
            Some(handler) => handler.clone(),
            None if self.console.is_some() => Handler::Stdout,
            None => default_handler(),
        }
    }

    fn output(&mut self, level: Level, message: &str) -> Result<(), String> {
        match self.destination() {
            Handler::Syslog(facility) => self.syslog.send(facility, level, &self.line_format.name, message),
            Handler::Stdout => {
                match &self.console {
                    Some(console) => console.message(level, message),
                    None => self.enqueue(StdStream::Stdout, level, message),
                }
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
                log_file.write(line.as_bytes(), Instant::now(), None);
                write_result(log_file)
            }
        }
    }

    fn log_file(&mut self, log: &LogConfig) -> &mut LogFile {
        self.file.get_or_insert_with(|| Box::new(LogFile::new(log, LogPath::new(&log.path, None))))
    }

    /// Queues a message for a stream: a slow reader must not delay the monitor.
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
