//! Greets a client and queues it for the body.

use super::peer::Peer;
use super::queue::{QUEUE, QueuedClient};
use super::rate_limit::RateLimitedWarning;
use crate::activity::{self, ClientToken};
use crate::greeting::{Greeting, GreetingLines, GreetingState};
use nix::sys::resource::{Resource, getrlimit, rlim_t};
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::geteuid;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// How many descriptors, at most, clients leave to the body; an eighth of a low limit.
const MAX_RESERVED_DESCRIPTORS: rlim_t = 64;
/// Descriptors below are never the last ones: a limit of 18 leaves a daemon on demand none for its body. The limit, which the body may
/// change, is not asked for then.
const FEW_DESCRIPTORS: rlim_t = 16;

/// Decides about each connection.
#[derive(Debug)]
pub(super) struct Admission {
    greetings: GreetingLines,
    max_queued: usize,
    refused: RateLimitedWarning,
    full: RateLimitedWarning,
}

impl Admission {
    pub(super) fn new(greeting: Greeting, max_queued: usize) -> Admission {
        let (refused, full) = Default::default();
        Admission { greetings: GreetingLines::of(greeting), max_queued, refused, full }
    }

    /// Returns the greeting without a state of this moment.
    pub(super) fn identity(&self) -> &Greeting {
        self.greetings.greeting()
    }

    /// Greets a client with this state.
    fn greet(&self, stream: &UnixStream, state: GreetingState) -> bool {
        send_line(stream, &self.greetings.line(state, activity::clients()))
    }

    /// Greets and queues a client, or drops the connection. `is_passed`: the unit of the socket has decided who may connect.
    pub(super) fn admit(&mut self, stream: UnixStream, is_passed: bool) {
        let Some(peer) = self.authorize(&stream, is_passed) else { return };
        let is_crowded = QUEUE.len() >= self.max_queued;
        if is_crowded || leaves_no_descriptors(&stream) {
            if is_crowded {
                self.full.warn(format_args!("{} clients wait for the body: another is sent away", self.max_queued));
            } else {
                self.full.warn("few descriptors are left (`RLIMIT_NOFILE`): a client is sent away");
            }
            self.greet(&stream, GreetingState::Full);
            return;
        }
        let token = ClientToken::new();
        // A client that was not greeted reads end of file, and tries again.
        if self.greet(&stream, GreetingState::Ready) {
            QUEUE.push(QueuedClient { stream, peer, token });
        }
    }

    /// Sends away a client that the daemon does not serve.
    pub(super) fn dismiss(&mut self, stream: &UnixStream, is_passed: bool, state: GreetingState) {
        if self.authorize(stream, is_passed).is_some() {
            self.greet(stream, state);
        }
    }

    /// Returns the peer, if it may use the daemon: root, or the user of the daemon. Another one receives nothing.
    pub(super) fn authorize(&mut self, stream: &UnixStream, is_passed: bool) -> Option<Peer> {
        let peer = Peer::of(stream).ok()?;
        if is_passed || is_trusted(peer) {
            return Some(peer);
        }
        self.refused.warn(format_args!("refused a client of uid {}", peer.uid));
        None
    }
}

/// Returns `true` if this connection has one of the last descriptors, which the body needs for its files. The kernel gives the lowest
/// number that is free.
fn leaves_no_descriptors(stream: &UnixStream) -> bool {
    let Ok(number) = rlim_t::try_from(stream.as_raw_fd()) else { return false };
    if number < FEW_DESCRIPTORS {
        return false;
    }
    let Ok((limit, _)) = getrlimit(Resource::RLIMIT_NOFILE) else { return false };
    number >= limit - (limit / 8).min(MAX_RESERVED_DESCRIPTORS)
}

/// Returns `true` for root and the user of this process.
pub(super) fn is_trusted(peer: Peer) -> bool {
    peer.uid == 0 || peer.uid == geteuid().as_raw()
}

/// Sends a line. Returns `false` if the socket does not take it at once: a new socket has room for it.
pub(super) fn send_line(stream: &UnixStream, line: &str) -> bool {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    send(stream.as_raw_fd(), line.as_bytes(), flags).is_ok_and(|sent| sent == line.len())
}
