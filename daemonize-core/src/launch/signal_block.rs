//! Blocks all signals around the forks, so that no signal ends the launcher between two steps that belong together.

use crate::signal::Signal;
use crate::sys::signal_disposition::{self, Disposition, SavedAction};
use crate::sys::signal_mask::Mask;
use nix::poll::{PollFd, PollFlags};
use std::os::fd::AsFd;
use std::time::Instant;

/// Blocks all signals of the calling thread (`sigprocmask(2)`) until it is dropped, except while it waits for a descriptor.
pub(super) struct SignalBlock {
    original: Mask,
    /// The replaced action of SIGCHLD.
    child_action: Option<SavedAction>,
    /// `false` if the drop restores nothing.
    restores: bool,
}

impl SignalBlock {
    /// Blocks all signals.
    pub(super) fn new() -> SignalBlock {
        SignalBlock { original: Mask::all().set(), child_action: None, restores: true }
    }

    /// Sets the default action of SIGCHLD until the drop, if the caller ignores that signal: otherwise the kernel discards the wait
    /// status of children (`waitpid(2)`).
    pub(super) fn keep_child_status(&mut self) {
        if signal_disposition::is_ignored(Signal::SIGCHLD) {
            self.child_action = signal_disposition::set(Signal::SIGCHLD, Disposition::Default);
        }
    }

    /// Undoes [`keep_child_status`](SignalBlock::keep_child_status) in a forked child.
    pub(super) fn restore_child_action(&mut self) {
        if let Some(action) = self.child_action.take() {
            signal_disposition::restore(&action);
        }
    }

    /// Makes the drop restore nothing: this process has its own mask, or sets one later.
    pub(super) fn leave_blocked(&mut self) {
        self.restores = false;
    }

    /// Runs `f` under the original mask: user code, or code that may take long.
    pub(super) fn with_original_mask<T>(&self, f: impl FnOnce() -> T) -> T {
        let blocked = self.original.set();
        let result = f();
        blocked.set();
        result
    }

    /// Returns the mask for waiting, which lets the signals through by which a user ends a program at a terminal.
    pub(super) fn wait_mask(&self) -> Mask {
        self.interrupts().fold(Mask::all(), Mask::without)
    }

    /// Returns `true` if a signal is pending that would end the launcher. A `ppoll(2)` that returns at once does not deliver it.
    pub(super) fn is_interrupted(&self) -> bool {
        let pending = Mask::pending();
        self.interrupts().any(|signal| pending.contains(signal))
    }

    /// Returns the signals by which a user ends a program at a terminal, except those that the caller has blocked.
    fn interrupts(&self) -> impl Iterator<Item = Signal> + '_ {
        let interrupts = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
        interrupts.into_iter().filter(|signal| !self.original.contains(*signal))
    }

    /// Waits until a socket is readable or at end of file. Returns `false` at the deadline, or if waiting fails.
    pub(super) fn wait_readable(&self, socket: &impl AsFd, deadline: Instant) -> bool {
        let mask = self.wait_mask();
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
        if !self.restores {
            return;
        }
        if let Some(action) = &self.child_action {
            signal_disposition::restore(action);
        }
        self.original.set();
    }
}
