//! Checks whether a peer has closed its socket, with `poll(2)`: without waiting, and without reading.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

/// Returns `true` if there is something to read or to accept, or the peer has closed its side. The kernel may know before the
/// runtime does.
pub(super) fn has_input(socket: &impl AsFd) -> bool {
    state(socket).intersects(PollFlags::POLLIN)
}

/// Returns `true` if the peer is known to have closed the connection, so that it cannot read a response.
///
/// A peer that has only shut down its sending side (a half-close) can still read. Over TCP, a close looks like a half-close.
pub(super) fn is_closed(socket: &impl AsFd) -> bool {
    state(socket).intersects(PollFlags::POLLHUP | PollFlags::POLLERR)
}

fn state(socket: &impl AsFd) -> PollFlags {
    let mut sockets = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    match poll(&mut sockets, PollTimeout::ZERO) {
        Ok(_) => sockets[0].revents().unwrap_or(PollFlags::empty()),
        Err(_) => PollFlags::empty(),
    }
}
