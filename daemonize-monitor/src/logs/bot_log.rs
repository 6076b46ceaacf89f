//! A copy of what is kept of a bot's output: its lines in memory, and the files that hold the others.

use super::line_stamp::OutputStream;
use super::log_indexes::LogFileState;
use super::log_path::LogPath;
use super::ring::Ring;
use super::run_history::BotRun;
use std::sync::Arc;

/// The log of one bot. It is read outside of the engine, since a file may be slow.
#[derive(Clone, Debug)]
pub(crate) struct BotLog {
    pub(crate) bot: Arc<str>,
    pub(crate) ring: Ring,
    pub(crate) files: Vec<LogSource>,
    /// `false` if the output is kept neither in memory nor in a file.
    pub(crate) is_kept: bool,
    /// `false` if stdout and stderr share one pipe, so that their lines cannot be told apart.
    pub(crate) has_streams: bool,
    /// The last runs, the oldest first.
    pub(crate) runs: Vec<BotRun>,
}

/// A log file of a bot.
#[derive(Clone, Debug)]
pub(crate) struct LogSource {
    pub(crate) path: LogPath,
    /// The stream whose lines are in the file; `None` if it is not known of each line.
    pub(crate) stream: Option<OutputStream>,
    /// The facts that are known of it if it is open.
    pub(crate) state: LogFileState,
    /// The number of rotated files that are kept.
    pub(crate) keep: u32,
    /// `true` if each line begins with its time.
    pub(crate) has_timestamps: bool,
}
