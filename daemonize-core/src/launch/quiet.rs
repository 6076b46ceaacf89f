//! A quiet time around the forks: no signal can end the launcher between two steps that belong together.

use crate::signal::Signal;
use crate::sys::dispositions::{self, Disposition, SavedAction};
use crate::sys::mask::Mask;
use nix::poll::{PollFd, PollFlags};
use std::os::fd::AsFd;
use std::time::Instant;

/// All signals blocked until this is dropped; open only while something is waited for.
pub(super) struct Quiet {
    before: Mask,
    children: Option<SavedAction>,
}

impl Quiet {
    pub(super) fn begin() -> Quiet {
        Quiet { before: Mask::all().set(), children: None }
    }

    /// Until the end, the status of a child is kept for us although the caller does not care for its children.
    pub(super) fn keep_children(&mut self) {
        if dispositions::is_ignored(Signal::SIGCHLD) {
            self.children = dispositions::set(Signal::SIGCHLD, Disposition::Default);
        }
    }

    /// In a child, which has children of its own: undoes [`keep_children`](Quiet::keep_children).
    pub(super) fn restore_children(&mut self) {
        if let Some(children) = self.children.take() {
            dispositions::restore(&children);
        }
    }

    /// In a process that goes on as something else, and has a mask of its own or will have.
    pub(super) fn go_on(self) {
        std::mem::forget(self);
    }

    /// Runs code of the user's in between, which may take long, as it is used to run.
    pub(super) fn interrupted<T>(&self, f: impl FnOnce() -> T) -> T {
        let quiet = self.before.set();
        let result = f();
        quiet.set();
        result
    }

    /// The mask while waiting: somebody at the terminal can still end the launcher, and with it the start.
    pub(super) fn waiting(&self) -> Mask {
        self.interrupts().fold(Mask::all(), Mask::without)
    }

    /// Whether somebody wants the launcher to end. A wait that ends at once does not let such a signal through.
    pub(super) fn is_interrupted(&self) -> bool {
        let pending = Mask::pending();
        self.interrupts().any(|signal| pending.contains(signal))
    }

    /// Those that the caller has not blocked.
    fn interrupts(&self) -> impl Iterator<Item = Signal> + '_ {
        let interrupts = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
        interrupts.into_iter().filter(|signal| !self.before.contains(*signal))
    }

    /// Waits until there is something to read, or the end; false at the deadline, or where waiting is impossible.
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

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(children) = &self.children {
            dispositions::restore(children);
        }
        self.before.set();
    }
}
