//! The items that are shown on stdout, and the form that they have.

use crate::logs::OutputChunk;
use log::Level;
use memchr::memchr_iter;
use std::sync::Arc;

/// The size of an item without its text.
const ITEM_BYTES: usize = 128;

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsoleStyle {
    /// `true` for JSON: one object per line.
    pub json: bool,
    /// `true` for a colour per bot.
    pub colors: bool,
}

/// An item to be shown.
pub(super) enum ConsoleItem {
    /// Lines of a bot.
    Lines(Arc<OutputChunk>),
    /// A message of the monitor.
    Message { time: u64, level: Level, text: Box<str> },
}

impl ConsoleItem {
    pub(super) fn size(&self) -> usize {
        ITEM_BYTES
            + match self {
                ConsoleItem::Lines(chunk) => chunk.lines.len(),
                ConsoleItem::Message { text, .. } => text.len(),
            }
    }

    pub(super) fn line_count(&self) -> u64 {
        match self {
            ConsoleItem::Lines(chunk) => memchr_iter(b'\n', &chunk.lines).count() as u64,
            ConsoleItem::Message { .. } => 1,
        }
    }
}
