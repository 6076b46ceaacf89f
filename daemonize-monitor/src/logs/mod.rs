//! Stores the output of bots: in log files, which are rotated, or in memory, which is bounded.

mod bot_log;
mod file_lines;
mod follower;
mod line_buffer;
mod line_filter;
mod line_search;
mod line_stamp;
mod log_file;
mod log_indexes;
mod log_path;
mod offset_index;
mod read_lines;
mod ring;
mod rotated_files;
mod rotation;
mod run_history;
mod since;
mod tail;
mod timestamp;
mod truncate;

pub(crate) use bot_log::{BotLog, LogSource};
pub(crate) use follower::{Follower, LogNews, OutputChunk};
pub(crate) use line_buffer::LineBuffer;
pub(crate) use line_filter::LineFilter;
pub(crate) use line_search::{FoundLines, LogLine, LogQuery, Truncation};
pub(crate) use line_stamp::{LineStamp, OutputStream, now_in_ms};
pub(crate) use log_file::LogFile;
pub(crate) use log_path::LogPath;
pub(crate) use read_lines::read_lines;
pub(crate) use ring::Ring;
pub(crate) use run_history::{BotRun, RunHistory};
pub use since::parse_since;
pub(crate) use timestamp::time;
pub(crate) use truncate::prefix;

use crate::bot::{Log, LogTarget};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::{Rc, Weak};
use std::sync::Arc;

/// The destination of the lines of one pipe.
#[derive(Clone)]
pub(crate) enum Target {
    /// A ring of the last lines in memory.
    Ring(Rc<RefCell<Ring>>),
    /// A log file, which pipes may share.
    File(Rc<RefCell<LogFile>>),
}

/// The open log files, each opened once even if several pipes write to it.
#[derive(Default)]
pub(crate) struct Logs {
    sinks: HashMap<Arc<Path>, Weak<RefCell<LogFile>>>,
    /// The number of entries at which unused ones are removed.
    cleanup_threshold: usize,
}

impl Logs {
    /// Returns the destination of a pipe; `None` if the output does not pass through the monitor. `ring` holds the last lines of
    /// the bot, and `user` is its user if that is not the user of the monitor.
    pub(crate) fn target(
        &mut self,
        target: &LogTarget,
        ring: &Rc<RefCell<Ring>>,
        user: Option<&str>,
    ) -> Option<Target> {
        match target {
            LogTarget::Memory | LogTarget::Stdout => Some(Target::Ring(Rc::clone(ring))),
            LogTarget::File(log) => Some(Target::File(self.sink(log, user))),
            LogTarget::Null | LogTarget::Inherit => None,
        }
    }

    fn sink(&mut self, log: &Log, user: Option<&str>) -> Rc<RefCell<LogFile>> {
        let place = LogPath::new(&log.path, user);
        if let Some(sink) = self.sinks.get(place.path()).and_then(Weak::upgrade) {
            // A reload may have changed the size limit: the latest settings apply.
            sink.borrow_mut().configure(log, place);
            return sink;
        }
        // Amortized: a scan for each new file would be quadratic with thousands of bots.
        if self.sinks.len() >= self.cleanup_threshold {
            self.sinks.retain(|_, sink| sink.strong_count() > 0);
            self.cleanup_threshold = self.sinks.len() * 2 + 64;
        }
        let path = Arc::clone(place.path());
        let sink = Rc::new(RefCell::new(LogFile::new(log, place)));
        self.sinks.insert(path, Rc::downgrade(&sink));
        sink
    }

    /// Returns the log at a path as a source of lines, with what is known of them if it is open.
    pub(crate) fn source(&self, log: &Log, user: Option<&str>, stream: Option<OutputStream>) -> LogSource {
        let path = LogPath::new(&log.path, user);
        let open = self.sinks.get(path.path()).and_then(Weak::upgrade);
        let state = open.map(|sink| sink.borrow().state()).unwrap_or_default();
        LogSource { path, stream, state, keep: log.keep, has_timestamps: log.timestamps }
    }

    /// Reopens all files, after an external rotation such as logrotate.
    pub(crate) fn reopen(&self) {
        for sink in self.sinks.values().filter_map(Weak::upgrade) {
            sink.borrow_mut().reopen();
        }
    }
}
