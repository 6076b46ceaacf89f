//! The connections of the control socket: one line each way, bounded in number, size and time.

use super::admission::send_line;
use crate::control::MAX_REQUEST_BYTES;
use nix::poll::{PollFd, PollFlags};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How many control connections are open at once. Others wait in the backlog.
const MAX_CONTROL_CONNECTIONS: usize = 16;
/// How long a connection may be without a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The open control connections.
#[derive(Debug, Default)]
pub(super) struct ControlConnections(Vec<ControlConnection>);

#[derive(Debug)]
struct ControlConnection {
    stream: UnixStream,
    /// The beginning of the next request.
    received: Vec<u8>,
    deadline: Instant,
}

impl ControlConnections {
    /// Returns `true` if another connection may be accepted.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MAX_CONTROL_CONNECTIONS
    }

    /// Adds a connection. Drops it if it cannot be made nonblocking.
    pub(super) fn add(&mut self, stream: UnixStream) {
        if stream.set_nonblocking(true).is_ok() {
            let deadline = Instant::now() + REQUEST_TIMEOUT;
            self.0.push(ControlConnection { stream, received: Vec::new(), deadline });
        }
    }

    /// Returns the descriptors to wait for, in the order in which [`serve`](ControlConnections::serve) expects their states.
    pub(super) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.0.iter().map(|connection| PollFd::new(connection.stream.as_fd(), PollFlags::POLLIN))
    }

    /// Returns the time at which the first connection is closed.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().map(|connection| connection.deadline).min()
    }

    /// Answers the requests of the connections that are ready. Closes those that have ended, are too slow or send too much.
    pub(super) fn serve(&mut self, ready: &[bool], mut respond: impl FnMut(&[u8]) -> String) {
        let mut states = ready.iter().copied();
        let now = Instant::now();
        self.0.retain_mut(|connection| {
            let is_ready = states.next().unwrap_or(false);
            (!is_ready || connection.serve(&mut respond)) && now < connection.deadline
        });
    }
}

impl ControlConnection {
    /// Reads what has arrived and answers whole requests. Returns `false` if the connection is to be closed.
    fn serve(&mut self, respond: &mut impl FnMut(&[u8]) -> String) -> bool {
        let mut chunk = [0; MAX_REQUEST_BYTES];
        let count = match self.stream.read(&mut chunk) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(error) => return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        };
        self.received.extend_from_slice(&chunk[..count]);
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            if !send_line(&self.stream, &respond(&line)) {
                return false;
            }
            self.deadline = Instant::now() + REQUEST_TIMEOUT;
        }
        self.received.len() < MAX_REQUEST_BYTES
    }
}
