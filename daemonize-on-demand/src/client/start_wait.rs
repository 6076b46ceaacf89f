//! Waits for a start by another process, until there is a socket to connect to.

use super::deadline::ConnectDeadline;
use super::pause::max_pause;
use super::start_turn::read_outcome;
use crate::directory::{Directory, Watch};
use daemonize_core::Result;
use daemonize_sys::pidfd::timeout_until;
use nix::poll::{PollFd, PollFlags, poll};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long a start by another process may take until its socket exists. A launcher that was killed there has left its pidfile, and a
/// client that was stopped there keeps its turn, so the wait ends, and this client starts the daemon.
const BIND_TIMEOUT: Duration = Duration::from_secs(1);

/// A start by another process, and the events that end the wait for it.
///
/// Created before the client looks for the socket once more, so that no event between the look and the wait is lost.
#[derive(Debug)]
pub(super) struct StartWait {
    /// The connection to the client whose turn it is.
    starter: Option<UnixStream>,
    /// `None` if the directory cannot be watched: then the client looks again every 50 ms.
    watch: Option<Watch>,
    end: Instant,
}

impl StartWait {
    /// Begins to watch the directory.
    pub(super) fn begin(directory: &Directory, deadline: ConnectDeadline) -> StartWait {
        StartWait { starter: None, watch: directory.watch().ok(), end: deadline.within(BIND_TIMEOUT) }
    }

    /// Returns `true` once the other process had its time.
    pub(super) fn has_ended(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Returns `true` while the other client has neither ended its start nor exited, as far as this client has seen.
    pub(super) fn has_starter(&self) -> bool {
        self.starter.is_some()
    }

    /// Waits for the outcome of the client at the other end from now on, too.
    pub(super) fn join(&mut self, starter: UnixStream) {
        self.starter = Some(starter);
    }

    /// Waits until something has changed in the directory, or the other client has ended its start.
    ///
    /// # Errors
    /// Its start has failed.
    pub(super) fn wait(&mut self, name: &str) -> Result<()> {
        let limit = Instant::now() + max_pause();
        let until = if self.watch.is_some() { self.end } else { self.end.min(limit) };
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds: Vec<PollFd<'_>> = self.starter.iter().map(|stream| readable(stream.as_fd())).collect();
        fds.extend(self.watch.iter().map(|watch| readable(watch.as_fd())));
        let is_ready = |polled: &PollFd<'_>| polled.revents().is_some_and(|events| !events.is_empty());
        // A failed poll(2), by a signal above all, is followed by an attempt, as an event is.
        let is_first_ready = poll(&mut fds, timeout_until(until)).is_ok() && fds.first().is_some_and(is_ready);
        drop(fds);
        if let Some(watch) = &self.watch {
            let _ = watch.forget();
        }
        match self.starter.take_if(|_| is_first_ready) {
            Some(starter) => read_outcome(&starter, name),
            None => Ok(()),
        }
    }
}
