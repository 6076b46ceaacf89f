//! The stage of the daemon, as its acceptor sees it.

use daemonize_sys::mutex::{lock, wait_timeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long the end of the daemon waits for the acceptor, which never blocks.
const ACCEPTOR_END_TIMEOUT: Duration = Duration::from_secs(2);

/// The stages of the daemon, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LifecycleStage {
    /// The start has not succeeded yet: clients wait in the backlog.
    Starting,
    Ready,
    /// No client is accepted any more.
    Stopping,
    /// The acceptor ends.
    Ending,
    Ended,
}

/// Passes the stage from the threads of the daemon to the acceptor.
#[derive(Debug)]
pub(super) struct Lifecycle {
    stage: Mutex<LifecycleStage>,
    changed: Condvar,
    wakeup: EventFd,
}

impl Lifecycle {
    pub(super) fn new() -> io::Result<Lifecycle> {
        let wakeup = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Lifecycle { stage: Mutex::new(LifecycleStage::Starting), changed: Condvar::new(), wakeup })
    }

    pub(super) fn stage(&self) -> LifecycleStage {
        *lock(&self.stage)
    }

    /// Sets a later stage, and wakes the acceptor. An earlier one is ignored.
    pub(super) fn advance(&self, stage: LifecycleStage) {
        let mut current = lock(&self.stage);
        if *current < stage {
            *current = stage;
            self.changed.notify_all();
            // Fails only if 2⁶⁴ - 1 wake-ups are pending.
            let _ = self.wakeup.write(1);
        }
    }

    /// Waits until the acceptor has ended, for a limited time.
    pub(super) fn wait_for_end(&self) {
        let deadline = Instant::now() + ACCEPTOR_END_TIMEOUT;
        let mut stage = lock(&self.stage);
        while *stage < LifecycleStage::Ended && Instant::now() < deadline {
            stage = wait_timeout(&self.changed, stage, deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// Makes the descriptor unreadable until the next stage.
    pub(super) fn take_wakeup(&self) {
        // Does not block (`EFD_NONBLOCK`).
        let _ = self.wakeup.read();
    }
}

impl AsFd for Lifecycle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}
