//! Notifies the attachments of the daemon's phases, and ends them.

use super::DaemonContext;
use crate::attach::Phase;
use crate::body::{BodyResult, guarded};
use crate::mutex::lock;
use crate::report::record;
use crate::signals::add_reload_failure;
use log::Level;
use std::error::Error;

impl DaemonContext {
    /// Returns `true` if the daemon has attachments.
    pub(crate) fn has_attachments(&self) -> bool {
        !lock(&self.attachments).is_empty()
    }

    /// Asks each attachment to validate that the program would start again. Returns the first error.
    pub(crate) fn check_restart(&self) -> Result<(), Box<dyn Error>> {
        // A copy, so that the lock is not held while the attachments check: that may take long.
        let attachments = lock(&self.attachments).clone();
        attachments.iter().try_for_each(|attachment| attachment.check_restart())
    }

    /// Notifies the attachments, once, that the daemon is ready.
    pub(crate) fn notify_ready(&self) {
        self.write_late_report();
        if self.notify(Phase::Ready, |last| last.is_none()) {
            record(Level::Info, &self.handle.name, format_args!("runs as pid {}", self.identity.pid));
        }
    }

    /// Notifies the attachments that the handlers of SIGHUP begin, and has them take part in the reload.
    pub(crate) fn notify_reloading(&self) {
        self.notify(Phase::Reloading, |last| last == Some(Phase::Ready));
        self.begin_attachments_reload();
    }

    /// Has the attachments take part in a reload.
    pub(super) fn reload_attachments(&self) {
        let attachments = lock(&self.attachments).clone();
        for attachment in attachments {
            let mut reload = || {
                attachment
                    .reload()
                    .map_or_else(|error| BodyResult::failure(error.to_string()), |()| BodyResult::success())
            };
            if let Some(error) = guard_attachment(&mut reload).error() {
                add_reload_failure(error.to_owned());
            }
        }
    }

    /// Notifies the attachments that the handlers of SIGHUP are done.
    pub(crate) fn notify_reloaded(&self) {
        self.notify(Phase::Ready, |last| last == Some(Phase::Reloading));
    }

    /// Notifies the attachments, once, that the daemon stops. No other phase follows.
    pub(crate) fn notify_stopping(&self) {
        self.notify(Phase::Stopping, |last| last != Some(Phase::Stopping));
    }

    /// Notifies the attachments of a phase, if it follows the last one. Returns `true` if it does.
    fn notify(&self, phase: Phase, follows: fn(Option<Phase>) -> bool) -> bool {
        let mut last = lock(&self.phase);
        let follows = follows(*last);
        if follows {
            *last = Some(phase);
            // A copy: an attachment may end before all are notified.
            let attachments = lock(&self.attachments).clone();
            for attachment in attachments {
                if !call_attachment(|| attachment.phase(phase)) && phase == Phase::Stopping {
                    self.handlers.set_failed();
                }
            }
        }
        follows
    }

    /// Ends the attachments, once, in the reverse order of their start.
    pub(crate) fn end_attachments(&self) {
        let attachments = std::mem::take(&mut *lock(&self.attachments));
        for attachment in attachments.iter().rev() {
            if !call_attachment(|| attachment.end()) {
                self.handlers.set_failed();
            }
        }
    }
}

/// Calls an attachment. Catches and reports a panic, and returns `false` after one.
pub(crate) fn call_attachment(mut call: impl FnMut()) -> bool {
    let mut call = || {
        call();
        BodyResult::success()
    };
    guard_attachment(&mut call).error().is_none()
}

/// Calls an attachment. Catches a panic, and reports it or an error. Not generic, so that a program contains it once.
fn guard_attachment(call: &mut dyn FnMut() -> BodyResult) -> BodyResult {
    guarded("what is attached to the daemon", call).reported()
}
