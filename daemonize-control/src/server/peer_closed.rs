//! Looks at the present state of a socket, without waiting and without reading from it.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

/// Returns `true` if there is something to read or to accept; the peer's end counts. The runtime may not know of it yet.
pub(super) fn has_input(socket: &impl AsFd) -> bool {
    state(socket).intersects(PollFlags::POLLIN)
}

/// Returns `true` if the peer is known to have closed the connection, so that no reply could be read.
///
/// A peer that has only shut down its side (a half-close) is still there; over TCP, a close looks like that, too.
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
