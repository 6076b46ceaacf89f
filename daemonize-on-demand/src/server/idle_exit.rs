//! The exit of a daemon that nothing needs: decided by the acceptor, so that no client is accepted meanwhile.

use super::acceptor::Acceptor;
use super::queue::{QUEUE, QueuedClient};
use crate::activity::{self, IdleCheck};
use log::{info, warn};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

impl Acceptor {
    /// Stops the daemon if it has been idle for its time.
    pub(super) fn exit_if_idle(&mut self) {
        match activity::check_idle() {
            IdleCheck::Idle => {
                if self.leave(&|| activity::check_idle() == IdleCheck::Idle) {
                    info!("is idle: exits");
                }
            }
            IdleCheck::Active if QUEUE.len() > 0 => {
                // A body that never asks for clients would keep those that have left for ever.
                QUEUE.remove_unasked(has_left);
                activity::look_again();
            }
            IdleCheck::Active => {}
        }
    }

    /// Hides the socket, and stops the daemon unless a client waits or `decide` returns `false`. Returns `true` if the daemon stops.
    pub(super) fn leave(&mut self, decide: &dyn Fn() -> bool) -> bool {
        let is_hidden = self.listeners.hide();
        // From here on no new client finds the socket. Those that have found it are in the backlog.
        // The first one cancels: those of a passed socket may come faster than they are accepted.
        let cancels = self.accept_clients() || !decide();
        if !cancels {
            self.stop_daemon();
            return true;
        }
        if is_hidden {
            if let Err(error) = self.listeners.show() {
                warn!("clients do not find the daemon any more: {error}");
            }
        }
        activity::look_again();
        false
    }
}

/// Returns `true` if the client has closed the connection (`POLLHUP`, which is always reported).
fn has_left(client: &QueuedClient) -> bool {
    let mut fds = [PollFd::new(client.stream.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests;
