//! Where the output of bots goes: whole lines, into files that may fail and memory that is bounded.

mod follower;
mod line_buffer;
mod log_file;
mod log_path;
mod tail;
mod truncate;

pub(crate) use follower::Follower;
pub(crate) use line_buffer::LineBuffer;
pub(crate) use log_file::{LogFile, time};
pub(crate) use log_path::LogPath;
pub(crate) use tail::{Ring, last_lines};
pub(crate) use truncate::prefix;

use crate::bot::{Log, LogTarget};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::{Rc, Weak};
use std::sync::Arc;

/// Where the lines of one pipe go.
#[derive(Clone)]
pub(crate) enum Target {
    /// Into memory.
    Ring(Rc<RefCell<Ring>>),
    /// Into a file, which others may share.
    File(Rc<RefCell<LogFile>>),
}

/// All log files that are open, each once, whoever writes to it.
#[derive(Default)]
pub(crate) struct Logs {
    sinks: HashMap<Arc<Path>, Weak<RefCell<LogFile>>>,
    /// How many there may be before those are looked for that nobody uses any more.
    enough: usize,
}

impl Logs {
    /// Where a pipe goes; `None` if it does not go through the monitor. `ring` is where the bot's lines are kept, `user`
    /// who the bot is, if that is somebody else.
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
            // The newest wish counts.
            sink.borrow_mut().configure(log, place);
            return sink;
        }
        // Not for each new one: with thousands of bots that would be all the work.
        if self.sinks.len() >= self.enough {
            self.sinks.retain(|_, sink| sink.strong_count() > 0);
            self.enough = self.sinks.len() * 2 + 64;
        }
        let path = Arc::clone(place.path());
        let sink = Rc::new(RefCell::new(LogFile::new(log, place)));
        self.sinks.insert(path, Rc::downgrade(&sink));
        sink
    }

    /// Opens all files again, since something else has put the old ones aside.
    pub(crate) fn reopen(&self) {
        for sink in self.sinks.values().filter_map(Weak::upgrade) {
            sink.borrow_mut().reopen();
        }
    }
}
