//! Waits for the exit of a daemon that runs but does not listen any more, or for its socket to come back.

use super::deadline::ConnectDeadline;
use super::pause::max_pause;
use crate::directory::{Directory, LEAVING, Watch};
use daemonize_core::Pid;
use daemonize_sys::pidfd::{PidFd, timeout_until};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a daemon may run without a socket, and without one under the name `leaving`, before it counts as one that has lost it.
const LOST_SOCKET_TIMEOUT: Duration = Duration::from_secs(1);

/// A daemon whose socket the client did not find, and the events that end the wait for it.
///
/// Created before the client looks for the socket once more, so that no event between the look and the wait is lost.
#[derive(Debug)]
pub(super) struct ExitWait {
    pid: Pid,
    process: PidFd,
    /// `None` if the directory cannot be watched: then the client looks again every 50 ms.
    watch: Option<Watch>,
    since: Instant,
}

impl ExitWait {
    /// Begins to watch a daemon. Returns `None` if it has ended.
    pub(super) fn begin(pid: Pid, directory: &Directory) -> io::Result<Option<ExitWait>> {
        let process = match PidFd::open(pid) {
            Ok(process) => process,
            Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(ExitWait { pid, process, watch: directory.watch().ok(), since: Instant::now() }))
    }

    /// Returns the daemon's pid.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until the daemon has ended, something has changed in the directory, or the daemon may have lost its socket.
    pub(super) fn wait(&self, deadline: ConnectDeadline) -> io::Result<()> {
        let mut fds = vec![PollFd::new(self.process.as_fd(), PollFlags::POLLIN)];
        let limit = if self.watch.is_some() { LOST_SOCKET_TIMEOUT } else { max_pause() };
        let until = deadline.within(limit);
        fds.extend(self.watch.as_ref().map(|watch| PollFd::new(watch.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout_until(until)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.watch.as_ref().map_or(Ok(()), Watch::forget)
    }

    /// Returns `true` if the daemon has had no socket for so long that it has lost it: the directory was removed, or the socket. A daemon
    /// that exits keeps its socket under another name meanwhile. Called after an attempt that found none.
    pub(super) fn has_lost_socket(&self, directory: &Directory) -> bool {
        if self.since.elapsed() < LOST_SOCKET_TIMEOUT {
            return false;
        }
        let is_leaving = directory.all().any(|place| place.path().join(LEAVING).symlink_metadata().is_ok());
        // No event since before the attempt: so the socket was not renamed back and forth meanwhile.
        !is_leaving && !self.has_changed()
    }

    fn has_changed(&self) -> bool {
        let Some(watch) = &self.watch else { return false };
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO) != Ok(0)
    }
}
