//! Blocks signals around the forks: none can end the launcher between two steps that belong together.

use crate::signal::Signal;
use crate::sys::signal_disposition::{self, Disposition, SavedAction};
use crate::sys::signal_mask::Mask;
use nix::poll::{PollFd, PollFlags};
use std::os::fd::AsFd;
use std::time::Instant;

/// Blocks all signals in the calling thread until it is dropped. They are let through only while something is waited for.
pub(super) struct SignalBlock {
    original: Mask,
    /// The action of SIGCHLD that was replaced.
    child_action: Option<SavedAction>,
}

impl SignalBlock {
    /// Blocks all signals.
    pub(super) fn new() -> SignalBlock {
        SignalBlock { original: Mask::all().set(), child_action: None }
    }

    /// Has the kernel keep the status of children until the end, although the caller ignores SIGCHLD.
    pub(super) fn keep_child_status(&mut self) {
        if signal_disposition::is_ignored(Signal::SIGCHLD) {
            self.child_action = signal_disposition::set(Signal::SIGCHLD, Disposition::Default);
        }
    }

    /// Undoes [`keep_child_status`](SignalBlock::keep_child_status), in a child, which has children of its own.
    pub(super) fn restore_child_action(&mut self) {
        if let Some(action) = self.child_action.take() {
            signal_disposition::restore(&action);
        }
    }

    /// Leaves the signals blocked, in a process that has a mask of its own or sets one later.
    pub(super) fn leave_blocked(self) {
        std::mem::forget(self);
    }

    /// Runs code under the mask that the thread had before: code of the user's, or what may take long.
    pub(super) fn with_original_mask<T>(&self, f: impl FnOnce() -> T) -> T {
        let blocked = self.original.set();
        let result = f();
        blocked.set();
        result
    }

    /// Returns the mask for waiting: a terminal can still end the launcher, and with it the start.
    pub(super) fn waiting(&self) -> Mask {
        self.interrupts().fold(Mask::all(), Mask::without)
    }

    /// Returns `true` if a signal is pending that would end the launcher. A wait that ends at once does not let it through.
    pub(super) fn is_interrupted(&self) -> bool {
        let pending = Mask::pending();
        self.interrupts().any(|signal| pending.contains(signal))
    }

    /// Returns the signals that end a program at a terminal, without those that the caller has blocked.
    fn interrupts(&self) -> impl Iterator<Item = Signal> + '_ {
        let interrupts = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
        interrupts.into_iter().filter(|signal| !self.original.contains(*signal))
    }

    /// Waits until a socket is readable or at its end. Returns `false` at the deadline, or where waiting is impossible.
    pub(super) fn wait_readable(&self, socket: &impl AsFd, deadline: Instant) -> bool {
        let mask = self.waiting();
        loop {
            let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
            let left = deadline.saturating_duration_since(Instant::now());
            match mask.poll(&mut fds, Some(left)) {
                Ok(count) if count > 0 => return true,
                Ok(_) if !left.is_zero() => {}
                _ => return false,
            }
        }
    }
}

impl Drop for SignalBlock {
    fn drop(&mut self) {
        if let Some(action) = &self.child_action {
            signal_disposition::restore(action);
        }
        self.original.set();
    }
}
