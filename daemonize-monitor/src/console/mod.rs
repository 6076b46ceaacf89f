//! The monitor's stdout in a container: every line of every bot, with its name, and the monitor's own messages.
//!
//! A thread of its own writes them, from a bounded queue. If stdout is not read, or not fast enough, the queue is full, and further
//! lines are not shown; their number is, as soon as there is room. So no reader delays the engine, and no bot is kept waiting in
//! `write(2)`: its lines are read and kept as ever.

mod console_item;
mod console_line;
mod console_queue;
mod std_stream;

pub use console_item::ConsoleStyle;
pub(crate) use console_line::bot_color;
pub(crate) use std_stream::{StdStream, write_to_stream};

use crate::logs::{OutputChunk, now_in_ms};
use console_item::ConsoleItem;
use console_queue::ConsoleQueue;
use log::Level;
use std::sync::Arc;

/// See the module.
pub(crate) struct Console(Arc<ConsoleQueue>);

impl Console {
    /// Creates a console for bots whose longest name has this many characters. Nothing is written before the first line.
    pub(crate) fn new(style: ConsoleStyle, width: usize) -> Console {
        Console(Arc::new(ConsoleQueue::new(style, width)))
    }

    /// Shows lines of a bot. Does not block.
    pub(crate) fn show(&self, chunk: &Arc<OutputChunk>) {
        self.0.push(ConsoleItem::Lines(Arc::clone(chunk)));
    }

    /// Shows a message of the monitor. Does not block.
    pub(crate) fn message(&self, level: Level, text: &str) {
        self.0.push(ConsoleItem::Message { time: now_in_ms(), level, text: text.into() });
    }

    /// Returns how many lines are not shown, if that has not been written yet.
    pub(crate) fn problem(&self) -> Option<String> {
        self.0.problem()
    }

    /// Waits until everything is written, as long as stdout is read. Called before the process exits.
    pub(crate) fn drain(&self) {
        self.0.drain();
    }
}
