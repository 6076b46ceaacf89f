//! Shows the last lines of the log that a failed start has written.

use super::log_place::log_files;
use crate::log_reader::{LogMark, lines_since};
use crate::output;
use daemonize_core::{Daemon, Error, ErrorKind};
use daemonize_sys::escape::escape_bytes;

/// The most lines that are shown.
const MAX_SHOWN_LINES: usize = 10;

/// The end of a log before a start.
pub(super) struct FailedStart {
    daemon: Daemon,
    mark: Option<LogMark>,
}

impl FailedStart {
    /// Notes the end of the log before a start.
    pub(super) fn prepare(daemon: &Daemon) -> FailedStart {
        let files = daemon.log_path().and_then(|log| log_files(daemon, &log).ok()?);
        FailedStart { mark: files.as_ref().and_then(LogMark::now), daemon: daemon.clone() }
    }

    /// Prints the last lines of the log that the start has written.
    pub(super) fn print(&self, error: &Error) {
        if matches!(error.kind(), ErrorKind::AlreadyRunning { .. } | ErrorKind::Configuration) {
            return;
        }
        let Some(log) = self.daemon.log_path() else { return };
        let Ok(Some(files)) = log_files(&self.daemon, &log) else { return };
        let text = lines_since(&files, self.mark, MAX_SHOWN_LINES);
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        if text.is_empty() {
            return;
        }
        output::note(format_args!("the last lines of `{}`:", log.display()));
        for line in text.split(|byte| *byte == b'\n') {
            output::note(format_args!("  {}", escape_bytes(line)));
        }
    }
}
