//! Writes the reason for the end of the daemon, which `status` shows.

use super::DaemonContext;
use crate::body::panic_text;
use crate::logs;
use crate::mutex::lock;
use crate::pid::Pid;
use crate::pidfile::{ExitReport, Statement};
use crate::report;
use crate::stop_flag;
use std::panic;

impl DaemonContext {
    /// Writes why the daemon ends: `why`, else the error that it reported last. Removes the file after an end in order. Does
    /// nothing once the pidfile is released.
    pub(crate) fn write_exit_report(&self, status: u8, why: Option<&str>) {
        self.open_directory();
        if status == 0 {
            self.write(&ended(Some(0), String::new()), true);
        } else {
            let text = why.map(str::to_owned).or_else(report::last_error).unwrap_or_default();
            self.write(&ended(Some(status), text), false);
        }
    }

    /// Opens the directory of the pidfile once, for the report and for the removal of the files that follows it.
    fn open_directory(&self) {
        if let Some(pidfile) = &mut *lock(&self.pidfile) {
            pidfile.open_directory();
        }
    }

    /// Writes that the program called `exit(3)`. The status is not known: `atexit(3)` does not pass it.
    pub(crate) fn write_exit_call_report(&self) {
        self.write(&ended(None, "the program called `exit`".to_owned()), false);
    }

    /// Writes that a panic ends the process: the program was built with `panic = "abort"`.
    fn write_panic_report(&self, text: String) {
        // The thread that panics may hold one of the locks.
        if self.pending.try_lock().is_ok() && self.pidfile.try_lock().is_ok() {
            self.write(&ended(None, text), false);
        }
    }

    /// Writes the file, or removes it. Nothing is written until the daemon is ready: until then its launcher reports the
    /// failure. An error is ignored: neither a full disk nor a logger must delay the end.
    fn write(&self, statement: &Statement, removed: bool) {
        if lock(&self.pending).is_some() {
            return;
        }
        DaemonContext::close_running_report();
        if let Some(pidfile) = &*lock(&self.pidfile) {
            if removed {
                pidfile.remove_last_words(statement);
            } else {
                let _ = pidfile.write_last_words(statement);
            }
        }
    }
}

/// Has the panic hook write why this daemon ends, if panics abort the process (`panic = "abort"`): no later code runs then.
pub(crate) fn report_aborting_panics() {
    if cfg!(panic = "abort") {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            print(info);
            logs::complete();
            // Not in a child that the user's code has forked.
            if let Some(context) = super::current().filter(|context| context.is_this_process()) {
                let subject = if stop_flag::is_body_thread() { "the body" } else { "a thread" };
                context.write_panic_report(format!("{subject} panicked: {}", panic_text(info.payload())));
            }
        }));
    }
}

fn ended(status: Option<u8>, text: String) -> Statement {
    Statement { pid: Some(Pid::this()), end: Some(ExitReport { status, text }), ..Statement::default() }
}
