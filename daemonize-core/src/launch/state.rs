//! The state of a launch after its checks: the pidfile is locked, and all signals are blocked.

use super::preflight::Preflight;
use super::signal_block::SignalBlock;
use super::watched_parent::HandedOver;
use crate::body;
use crate::context::WatchedParent;
use crate::error::{Error, Result};
use crate::pidfile::PidFile;
use crate::settings::When;
use crate::stage::Stage;
use crate::sys::outlined::Outlined;

/// A launch whose settings are checked, whose streams are open and whose pidfile is locked. Nothing is visible to other processes
/// yet, except for an empty pidfile.
pub(crate) struct Launch {
    pub(super) preflight: Outlined<Preflight>,
    /// `None` without a pidfile.
    pub(super) lock: Option<Box<PidFile>>,
    /// The process with which the daemon ends. Opened by [`detach`](Launch::detach).
    pub(super) watched_parent: Option<WatchedParent>,
    /// The process with which the daemon that this one succeeds would have ended; `None` unless this is a restart.
    pub(super) handed_over: Option<HandedOver>,
    /// Dropped last: a failed launch removes the pidfile before a pending SIGINT can end the process.
    pub(super) block: SignalBlock,
}

impl Launch {
    pub(crate) fn is_detached(&self) -> bool {
        self.preflight.detached
    }

    /// Runs the hooks of one stage. A panic of a hook is an error.
    pub(super) fn run_hooks(&self, stage: Stage, when: When) -> Result<()> {
        let hooks = &self.preflight.settings.hooks;
        if !hooks.has(stage, when) {
            return Ok(());
        }
        let ending = body::guarded("a hook", || match hooks.run(stage, when) {
            Ok(()) => body::BodyResult::success(),
            Err(error) => body::BodyResult::failure(error),
        });
        match ending.error() {
            Some(error) => Err(Error::stage(stage, error)),
            None => Ok(()),
        }
    }
}
