//! Says what a start waits for: in one line on a terminal that is erased at the end, in a line every few seconds elsewhere.

use crate::output::stderr_is_terminal;
use daemonize_core::Daemon;
use daemonize_core::settings::StartWait;
use daemonize_sys::escape::escape;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The interval of lines where stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The spinner, one letter for each call.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The progress of one start.
pub(super) struct Progress {
    name: String,
    is_terminal: bool,
    /// `true` once a line was drawn that has to be erased.
    drawn: Arc<AtomicBool>,
}

impl Progress {
    pub(super) fn new(name: &str) -> Progress {
        Progress { name: escape(name).into_owned(), is_terminal: stderr_is_terminal(), drawn: Arc::default() }
    }

    /// Returns the daemon with a callback that shows its progress.
    pub(super) fn watch(&self, daemon: Daemon) -> Daemon {
        let (name, is_terminal, drawn) = (self.name.clone(), self.is_terminal, Arc::clone(&self.drawn));
        let (mut frame, mut next_line) = (0, Duration::ZERO);
        daemon.on_wait(move |wait| {
            if is_terminal {
                frame = (frame + 1) % SPINNER.len();
                drawn.store(true, Ordering::Relaxed);
                let _ = write!(io::stderr(), "\r{} {}\x1b[K", SPINNER[frame], line(&name, wait));
            } else if wait.elapsed >= next_line {
                next_line = wait.elapsed + LINE_INTERVAL;
                let _ = writeln!(io::stderr(), "{}", line(&name, wait));
            }
        })
    }

    /// Erases the line.
    pub(super) fn end(&self) {
        if self.drawn.load(Ordering::Relaxed) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// Returns `myd: waiting for the daemon to be ready, 3 s of 60 s`.
fn line(name: &str, wait: &StartWait) -> String {
    format!("{name}: waiting for {}, {} s of {} s", wait.reason, wait.elapsed.as_secs(), wait.limit.as_secs())
}
