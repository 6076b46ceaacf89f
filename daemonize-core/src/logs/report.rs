//! Reports of what a thread of a log cannot do.

use crate::report;
use crate::thread::spawn;
use std::sync::OnceLock;

/// Sets the warning that `status` shows.
static WARN: OnceLock<Warn> = OnceLock::new();

/// Stores the warning that `status` shows; `None` removes it.
pub(super) type Warn = fn(Option<String>);

/// Sets the function that stores the warning.
pub(super) fn set_warning_function(warn: Warn) {
    let _ = WARN.set(warn);
}

/// The failure that was reported last. Each is reported once: a log may fail at every line.
#[derive(Debug, Default)]
pub(super) struct FailureReport(Option<String>);

impl FailureReport {
    /// Reports a failure to the log, to syslog and in `status`, unless it was the last one.
    pub(super) fn failed(&mut self, text: String) {
        if self.0.as_ref() == Some(&text) {
            return;
        }
        self.0 = Some(text.clone());
        // On a thread of its own: stderr may lead to the pipe that the calling thread reads, and a logger of the program to it as well.
        let report = move || {
            report::alarm(&text);
            warn(Some(text));
        };
        let _ = spawn("daemon-report", report);
    }

    /// Removes the warning about a failure, if there was one.
    pub(super) fn succeeded(&mut self) {
        if self.0.take().is_some() {
            let _ = spawn("daemon-report", || warn(None));
        }
    }
}

fn warn(warning: Option<String>) {
    if let Some(warn) = WARN.get() {
        warn(warning);
    }
}
