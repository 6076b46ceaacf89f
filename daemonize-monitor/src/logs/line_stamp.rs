//! The origin of lines: when they came, from which stream, and from which run of their bot.

use std::time::{SystemTime, UNIX_EPOCH};

/// An output stream of a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
}

impl OutputStream {
    /// Returns its name, as in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        }
    }
}

/// The facts that are known of lines when they are read from a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineStamp {
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    /// The number of the run, counted from 1.
    pub(crate) run: u32,
    /// `None` if both streams of the bot share one pipe.
    pub(crate) stream: Option<OutputStream>,
}

impl LineStamp {
    /// Returns `true` if both stamps say the same but for the time.
    pub(super) fn has_same_source(self, other: LineStamp) -> bool {
        (self.run, self.stream) == (other.run, other.stream)
    }
}

/// Returns the time, in milliseconds since 1970.
pub(crate) fn now_in_ms() -> u64 {
    in_ms(SystemTime::now())
}

/// Returns a time in milliseconds since 1970; 0 for an earlier one.
pub(crate) fn in_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
