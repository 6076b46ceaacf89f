//! Reports of the running daemon in the file of its last words: warnings for an operator, and the result of each reload.
//!
//! A process that requests a reload takes the time before it sends SIGHUP, and waits for the report of a reload that began later.
//! Signals of one number are merged while one is pending (`signal(7)`), so the time identifies the request better than anything that
//! a signal could carry: after each SIGHUP the handlers begin once more, and any reload that begins after the request serves it. Two
//! requests at once may share one reload.

use super::DaemonContext;
use crate::attach::Phase;
use crate::mutex::lock;
use crate::pid::Pid;
use crate::pidfile::{ReloadReceipt, Statement};
use crate::report::{self, WarningSource};
use crate::signal::Signal;
use crate::signals::{
    HANDLER_THREAD_NAME, Signals, UNREPORTED_RELOAD_THREAD_NAME, enable_reload_failures, take_reload_failures,
};
use crate::sys::proc::monotonic_nanoseconds;
use nix::sys::prctl::set_name;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};

/// The functions of this module, once a handler, a log or an attachment is set: a program without them, which has nothing to reload,
/// is linked without the code.
static FUNCTIONS: OnceLock<Functions> = OnceLock::new();

struct Functions {
    warn_about_log: fn(&DaemonContext, Option<String>),
    report_reloads: fn(&'static DaemonContext, Signals) -> Signals,
    reload_attachments: fn(&DaemonContext),
    write_late_report: fn(&DaemonContext),
    warn_about_start: fn(&[String]),
}

/// Has this daemon report its reloads.
pub(crate) fn enable_reload_reports() {
    enable_reload_failures();
    let _ = FUNCTIONS.set(Functions {
        warn_about_log: DaemonContext::set_log_warning,
        report_reloads: DaemonContext::wrap_handlers,
        reload_attachments: DaemonContext::reload_attachments,
        write_late_report: DaemonContext::write_unwritten_report,
        warn_about_start: set_start_warning,
    });
}

/// Returns `true` if this daemon reports its reloads.
pub(crate) fn reports_reloads() -> bool {
    FUNCTIONS.get().is_some()
}

/// Prints the warnings of attachments about the start, and keeps them for the reports of the running daemon.
pub(crate) fn warn_about_start(warnings: &[String]) {
    if let Some(functions) = FUNCTIONS.get() {
        (functions.warn_about_start)(warnings);
    }
}

fn set_start_warning(warnings: &[String]) {
    for warning in warnings {
        report::print(&format!("warning: {warning}"));
    }
    report::replace_warning(WarningSource::Start, Some(warnings.join("; ")));
    lock(&REPORT).is_unwritten = true;
}

static REPORT: Mutex<RunningReport> = Mutex::new(RunningReport { began: None, reload: None, is_unwritten: false });

/// `true` once the end of the daemon is reported, which no other report replaces.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

struct RunningReport {
    /// When the handlers began that run now.
    began: Option<u64>,
    /// The last reload.
    reload: Option<ReloadReceipt>,
    /// `true` if there is a report that is not written: before the daemon is ready, its launcher owns the files.
    is_unwritten: bool,
}

impl DaemonContext {
    /// Warns the operator about the log. `None` withdraws the warning.
    pub(crate) fn warn_about_log(&self, warning: Option<String>) {
        if let Some(functions) = FUNCTIONS.get() {
            (functions.warn_about_log)(self, warning);
        }
    }

    fn set_log_warning(&self, warning: Option<String>) {
        let mut report = lock(&REPORT);
        if self.replace_warning(WarningSource::Log, warning) {
            self.write_report(&mut report);
        }
    }

    /// Adds to the handlers of SIGHUP those that report their result.
    pub(crate) fn report_reloads(&'static self, signals: Signals) -> Signals {
        match FUNCTIONS.get() {
            Some(functions) => (functions.report_reloads)(self, signals),
            None => signals,
        }
    }

    fn wrap_handlers(&'static self, signals: Signals) -> Signals {
        signals.wrap(Signal::SIGHUP, DaemonContext::note_reload, || self.report_reload())
    }

    /// Notes that the handlers of SIGHUP begin. Called in the handler thread.
    fn note_reload() {
        take_reload_failures();
        lock(&REPORT).began = Some(monotonic_nanoseconds());
    }

    /// Has the attachments take part in a reload. Called in the handler thread.
    pub(super) fn begin_attachments_reload(&self) {
        if let Some(functions) = FUNCTIONS.get() {
            (functions.reload_attachments)(self);
        }
    }

    /// Reports that the handlers of SIGHUP are done. Called in the handler thread.
    fn report_reload(&self) {
        let mut report = lock(&REPORT);
        let Some(began) = report.began.take() else { return };
        let failures = take_reload_failures();
        let warning = if failures.is_empty() { None } else { Some(failures.join("; ")) };
        report.reload = Some(ReloadReceipt { began, succeeded: warning.is_none() });
        self.replace_warning(WarningSource::Reload, warning);
        self.write_report(&mut report);
    }

    /// Replaces a warning, and passes all warnings on to the service manager. Returns `false` if there was none, and is none.
    fn replace_warning(&self, source: WarningSource, warning: Option<String>) -> bool {
        let is_set = warning.is_some();
        let has_changed = report::replace_warning(source, warning).is_some() || is_set;
        let is_stopping = *lock(&self.phase) == Some(Phase::Stopping);
        if let Some(notifier) = self.notifier.as_ref().filter(|_| has_changed && !is_stopping) {
            notifier.send_status(&report::warning().unwrap_or_default());
        }
        has_changed
    }

    /// Writes the report that could not be written before the daemon was ready.
    pub(super) fn write_late_report(&self) {
        if let Some(functions) = FUNCTIONS.get() {
            (functions.write_late_report)(self);
        }
    }

    fn write_unwritten_report(&self) {
        let mut report = lock(&REPORT);
        if report.is_unwritten {
            self.write_report(&mut report);
            if let (Some(notifier), Some(warning)) = (&self.notifier, report::warning()) {
                notifier.send_status(&warning);
            }
        }
    }

    /// Keeps the report of the end, which follows.
    pub(super) fn close_running_report() {
        IS_CLOSED.store(true, SeqCst);
    }

    fn write_report(&self, report: &mut RunningReport) {
        report.is_unwritten = lock(&self.pending).is_some();
        if report.is_unwritten {
            return;
        }
        let statement =
            Statement { pid: Some(Pid::this()), warning: report::warning(), reload: report.reload, end: None };
        let pidfile = lock(&self.pidfile);
        let Some(pidfile) = pidfile.as_ref().filter(|_| !IS_CLOSED.load(SeqCst)) else { return };
        if statement.warning.is_none() && statement.reload.is_none() {
            pidfile.remove_last_words(&statement);
            return;
        }
        let is_written = matches!(pidfile.write_last_words(&statement), Ok(true));
        if self.handlers.is_this_thread() {
            // A process that waits for the report of a reload learns by this name that there will be none.
            let name = if is_written { HANDLER_THREAD_NAME } else { UNREPORTED_RELOAD_THREAD_NAME };
            let _ = set_name(name);
        }
    }
}
