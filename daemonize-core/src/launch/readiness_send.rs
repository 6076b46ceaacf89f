//! Sends READY to the launcher, and waits for GO.

use super::launcher_link::LauncherLink;
use super::rollback::{FileOwner, roll_back};
use super::streams::Streams;
use crate::context::{DaemonContext, PendingReadiness};
use crate::error::{Error, ErrorKind, Result};
use crate::ipc::Message;
use crate::stdout;
use crate::stop_flag;
use crate::sys::fork::exit_now;
use nix::sys::prctl::set_dumpable;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// Set while a thread sends READY and waits for GO.
static AWAITING_GO: AtomicBool = AtomicBool::new(false);

/// The daemon's end of the readiness protocol.
pub(super) struct ReadySender {
    /// `None` if there is no launcher.
    pub(super) link: Option<LauncherLink>,
    pub(super) streams: Box<dyn Streams>,
    /// `true` if stdout and stderr still lead to the launcher.
    pub(super) outputs_due: bool,
    /// `true` if other processes of the daemon's new user may inspect the daemon (`core_dumps`).
    pub(super) dumpable: bool,
}

impl ReadySender {
    /// Returns `true` while a thread sends READY and waits for GO, or has received it.
    pub(super) fn is_awaiting_go() -> bool {
        AWAITING_GO.load(SeqCst)
    }

    /// Sends FAILED to the launcher and exits. Returns if there is no launcher.
    pub(super) fn fail_if_linked(&self, error: &Error) {
        if let Some(link) = &self.link {
            link.fail(error);
        }
    }

    /// Redirects stdout and stderr, unless that is done.
    pub(super) fn install_outputs(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.outputs_due) {
            return Ok(());
        }
        // Buffered output still belongs to the launcher.
        stdout::flush();
        self.streams.install_outputs()
    }

    /// L5: sends READY, and waits for GO. End of file instead of GO means that the start was aborted: rolls back and exits.
    ///
    /// # Errors
    /// A stop came first, or the streams could not be redirected: READY was not sent.
    pub(super) fn send(mut self: Box<Self>, context: &'static DaemonContext) -> Result<(), (Box<Self>, Error)> {
        if self.link.is_none() {
            self.allow_dumps();
            return Ok(());
        }
        if context.signals.has_arrived(&context.stops) || stop_flag::is_stop_requested() {
            // The signal thread may not have taken the signal yet. `stopping()` agrees with this error from now on.
            stop_flag::request_stop();
            let error = Error::new(ErrorKind::Stopped, "failed to start: stopped while starting");
            return Err((self, error));
        }
        if let Err(error) = self.install_outputs().and_then(|()| LauncherLink::outlive_session_leader()) {
            return Err((self, error));
        }
        let Some(link) = &self.link else { return Ok(()) };
        if link.ready.send(&Message::Ready).is_err() {
            // EPIPE: the launcher is dead. The session leader removes the files with its copy of the lock (L12).
            roll_back(context, FileOwner::Launcher);
        }
        if let Ok(Some(Message::Go)) = link.ready.receive_short() {
            self.allow_dumps();
            return Ok(());
        }
        // The launcher died after READY, and may have released the session leader, which then removes nothing.
        roll_back(context, FileOwner::Daemon)
    }

    /// Makes this process dumpable, if configured. Only after GO: before, another process of the new user could copy this one's
    /// descriptors (`pidfd_getfd(2)`) and send messages to the launcher.
    fn allow_dumps(&self) {
        if self.dumpable {
            let _ = set_dumpable(true);
        }
    }
}

impl PendingReadiness for ReadySender {
    fn announce(self: Box<Self>, context: &'static DaemonContext) -> Result<(), (Box<dyn PendingReadiness>, Error)> {
        AWAITING_GO.store(true, SeqCst);
        self.send(context).map_err(|(this, error)| {
            AWAITING_GO.store(false, SeqCst);
            (this as Box<dyn PendingReadiness>, error)
        })
    }

    fn extend(&self, time: Duration) {
        if let Some(link) = &self.link {
            // Without blocking: a stopped launcher must not block the body. A dead one is noticed at end of file.
            let _ = link.ready.try_send(&Message::MoreTime(time));
        }
    }

    fn report_exit(self: Box<Self>) {
        if let Some(link) = &self.link {
            let _ = link.ready.send(&Message::Exiting);
        }
    }

    fn fail(self: Box<Self>, error: &Error) -> ! {
        match &self.link {
            Some(link) => link.fail(error),
            None => exit_now(error.exit_code()),
        }
    }
}
