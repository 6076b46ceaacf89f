//! What a socket is at this very moment: nothing is waited for, and nothing is taken from it.

use super::door::Stream;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::time::sleep;

/// How often it is looked whether somebody who has said everything, and waits for an answer, is still there.
const OFTEN: Duration = Duration::from_millis(250);

/// Whether there is something to read, or to accept; the other side's end counts.
///
/// The runtime may not have been told of it yet.
pub(super) fn has_something(socket: &impl AsFd) -> bool {
    look(socket).intersects(PollFlags::POLLIN)
}

/// Returns once there is nobody who could read an answer: a Unix socket was closed, a TCP connection reset.
///
/// Whoever has only said everything, and reads (a half-close), is still there; over TCP, closing looks like that, too.
pub(super) async fn gone(stream: &impl Stream) {
    // Whoever goes is heard of. Nothing comes from most before they are answered: no timer is set for them.
    let _ = stream.hears().await;
    while !has_left(stream) {
        sleep(OFTEN).await;
    }
}

/// Returns `true` if the client is known to have closed the connection, so that no answer could be read.
pub(super) fn has_left(socket: &impl AsFd) -> bool {
    look(socket).intersects(PollFlags::POLLHUP | PollFlags::POLLERR)
}

fn look(socket: &impl AsFd) -> PollFlags {
    let mut sockets = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    match poll(&mut sockets, PollTimeout::ZERO) {
        Ok(_) => sockets[0].revents().unwrap_or(PollFlags::empty()),
        Err(_) => PollFlags::empty(),
    }
}
