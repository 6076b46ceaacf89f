//! Reports each reload of this daemon: to the process that requested it, to `status`, and to the service manager.
//!
//! The report is in the file of last words: when the handlers began, and the result. A process that requests a reload takes the
//! time before it sends SIGHUP, and waits for the report of a reload that began later. Signals of one number are merged while one is
//! pending (`signal(7)`), so the time identifies the request better than anything that a signal could carry: after each SIGHUP the
//! handlers begin once more, and any reload that begins after the request serves it. Two requests at once may share one reload.

use super::DaemonContext;
use crate::mutex::lock;
use crate::pid::Pid;
use crate::pidfile::{ReloadReceipt, Statement};
use crate::report::{self, WarningSource};
use crate::signals::{HANDLER_THREAD_NAME, UNREPORTED_RELOAD_THREAD_NAME};
use crate::sys::proc::monotonic_nanoseconds;
use nix::sys::prctl::set_name;
use std::sync::Mutex;

/// The reload whose handlers run.
static BEGAN: Mutex<Option<u64>> = Mutex::new(None);

/// The result of the last reload.
static RECEIPT: Mutex<Option<ReloadReceipt>> = Mutex::new(None);

/// The report of the last reload while it is not written: before the daemon is ready, its launcher owns the files.
static UNWRITTEN: Mutex<Option<Statement>> = Mutex::new(None);

impl DaemonContext {
    /// Notes that the handlers of SIGHUP begin. Called in the handler thread.
    pub(crate) fn begin_reload(&self) {
        self.handlers.take_reload_failures();
        *lock(&BEGAN) = Some(monotonic_nanoseconds());
    }

    /// Reports that the handlers of SIGHUP are done. Called in the handler thread.
    pub(crate) fn end_reload(&self) {
        let Some(began) = lock(&BEGAN).take() else { return };
        let failures = self.handlers.take_reload_failures();
        let warning = if failures.is_empty() { None } else { Some(failures.join("; ")) };
        *lock(&RECEIPT) = Some(ReloadReceipt { began, succeeded: warning.is_none() });
        self.replace_warning(WarningSource::Reload, warning);
        self.write_warnings();
    }

    /// Warns the operator about the log. `None` withdraws the warning.
    pub(crate) fn warn_about_log(&self, warning: Option<String>) {
        if self.replace_warning(WarningSource::Log, warning) {
            self.write_warnings();
        }
    }

    /// Replaces a warning, and passes all warnings on to the service manager. Returns `false` if there was none, and is none.
    fn replace_warning(&self, source: WarningSource, warning: Option<String>) -> bool {
        let is_set = warning.is_some();
        let changed = report::replace_warning(source, warning).is_some() || is_set;
        if let Some(notifier) = self.notifier.as_ref().filter(|_| changed) {
            notifier.send_status(&report::warning().unwrap_or_default());
        }
        changed
    }

    /// Writes all warnings and the report of the last reload, which a process may be waiting for.
    fn write_warnings(&self) {
        let (warning, reload) = (report::warning(), *lock(&RECEIPT));
        *lock(&UNWRITTEN) = Some(Statement { pid: Some(Pid::this()), warning, reload, end: None });
        self.write_reload_report();
    }

    /// Writes the report that could not be written before the daemon was ready.
    pub(super) fn write_reload_report(&self) {
        if lock(&self.pending).is_some() {
            return;
        }
        let Some(report) = lock(&UNWRITTEN).take() else { return };
        if let Some(pidfile) = &*lock(&self.pidfile) {
            let is_written = matches!(pidfile.write_last_words(&report), Ok(true));
            if self.handlers.is_this_thread() {
                // The process that waits for the report reads from the name that there will be none.
                let name = if is_written { HANDLER_THREAD_NAME } else { UNREPORTED_RELOAD_THREAD_NAME };
                let _ = set_name(name);
            }
        }
    }
}
