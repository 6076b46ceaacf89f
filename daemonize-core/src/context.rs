//! The state of a daemon's process from the last stage of its launch on, shared by all of its threads.

mod attachments;
mod exit_report;
mod running_report;

pub(crate) use attachments::call_attachment;
pub(crate) use exit_report::report_aborting_panics;
pub(crate) use running_report::{enable_reload_reports, reports_reloads, warn_about_start};

use crate::attach::{Attachment, Handle, Phase};
use crate::error::{Error, Result};
use crate::mutex::lock;
use crate::pid::Pid;
use crate::pidfile::PidFile;
use crate::process::Identity;
use crate::program::Program;
use crate::sd_notify::Notifier;
use crate::signal::Signal;
use crate::signals::{HandledSignals, HandlerThread};
use crate::stop_flag;
use crate::sys::pidfd::PidFd;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

static CURRENT: OnceLock<Box<DaemonContext>> = OnceLock::new();

/// The readiness that this daemon has not announced to its launcher yet.
pub(crate) trait PendingReadiness: Send {
    /// Announces that the daemon is ready, and waits for the launcher's answer. An error returns the announcement with it.
    fn announce(self: Box<Self>, context: &'static DaemonContext) -> Result<(), (Box<dyn PendingReadiness>, Error)>;
    /// Asks the launcher to wait for `time` from now on.
    fn extend(&self, time: Duration);
    /// Reports that the process is about to end by `exit(3)`: its status decides about the start.
    fn report_exit(self: Box<Self>);
    /// Reports why the daemon will never be ready, and ends the process.
    fn fail(self: Box<Self>, error: &Error) -> !;
}

/// The process with which a daemon ends.
pub(crate) struct WatchedParent {
    pub(crate) process: PidFd,
    /// Stops the daemon: a pointer, so that a program that ends with no process is linked without the code.
    pub(crate) stop: fn(),
}

/// The state of this process, which is a daemon.
pub(crate) struct DaemonContext {
    pub(crate) handle: Handle,
    pub(crate) identity: Identity,
    /// The signals that stop this daemon.
    pub(crate) stops: Vec<Signal>,
    /// How long the handlers and the body may take to end after a stop.
    pub(crate) grace: Duration,
    pub(crate) signals: Arc<HandledSignals>,
    pub(crate) handlers: Arc<HandlerThread>,
    /// The attachments that have started and not ended.
    pub(crate) attachments: Mutex<Vec<Arc<dyn Attachment>>>,
    /// The last phase that the attachments were notified of.
    pub(crate) phase: Mutex<Option<Phase>>,
    /// The connection to the service manager, which is one of the attachments.
    pub(crate) notifier: Option<Arc<Notifier>>,
    /// The locked pidfile, until it is released.
    pub(crate) pidfile: Mutex<Option<PidFile>>,
    /// `Some` until the daemon is ready, if a launcher waits for that.
    pub(crate) pending: Mutex<Option<Box<dyn PendingReadiness>>>,
    pub(crate) program: Program,
    /// `true` if the daemon has detached from its terminal.
    pub(crate) detached: bool,
    /// The process with which this daemon ends.
    pub(crate) watched_parent: Option<WatchedParent>,
    /// Why this daemon cannot restart itself; `None` if it can.
    pub(crate) restart_obstacle: Option<&'static str>,
    /// How long a restarted program may take until it is ready to take over.
    pub(crate) start_timeout: Duration,
    /// How long this daemon takes at most to stop.
    pub(crate) stop_timeout: Duration,
    /// Ends the process in order from the body's thread, where nothing can be unwound.
    pub(crate) exit_cleanly: fn() -> !,
}

impl DaemonContext {
    /// Returns `false` in a process that the daemon's code has forked, which is not the daemon.
    pub(crate) fn is_this_process(&self) -> bool {
        self.identity.pid == Pid::this()
    }
}

/// Makes this process a daemon, and the calling thread the body's.
pub(crate) fn set_current(context: Box<DaemonContext>) -> &'static DaemonContext {
    stop_flag::enter_body_thread();
    CURRENT.get_or_init(|| context)
}

/// Returns the context of this process; `None` if it is not a daemon.
pub(crate) fn current() -> Option<&'static DaemonContext> {
    CURRENT.get().map(|context| &**context)
}

/// Announces readiness to the launcher, if one waits for it.
pub(crate) fn announce_ready(context: &'static DaemonContext) -> Result<()> {
    let mut pending = lock(&context.pending);
    let Some(announcement) = pending.take() else { return Ok(()) };
    announcement.announce(context).map_err(|(announcement, error)| {
        *pending = Some(announcement);
        error
    })
}
