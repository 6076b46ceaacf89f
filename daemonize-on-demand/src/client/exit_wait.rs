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
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

/// How long a daemon may run without a socket until it counts as one that has lost it: longer than any moment between two steps of its end.
const LOST_SOCKET_TIMEOUT: Duration = Duration::from_millis(500);

/// A daemon whose socket the client did not find, and the events that end the wait for it.
///
/// Created before the client looks for the socket once more, so that no event between the look and the wait is lost.
#[derive(Debug)]
pub(super) struct ExitWait {
    pid: Pid,
    process: PidFd,
    /// `None` if the directory cannot be watched: then the client looks again every 50 ms.
    watch: Option<Watch>,
    /// The directories at the beginning, if they cannot be watched.
    unwatched: Option<Vec<DirectoryState>>,
    since: Instant,
}

/// The device, the inode, and the seconds and nanoseconds of the last change of the entries of a directory, if there is one.
type DirectoryState = Option<(u64, u64, i64, i64)>;

/// Returns the states of the directories in which the daemon may listen.
fn states(directory: &Directory) -> Vec<DirectoryState> {
    let state = |place: Directory| {
        let status = place.path().symlink_metadata().ok()?;
        Some((status.dev(), status.ino(), status.mtime(), status.mtime_nsec()))
    };
    directory.all().map(state).collect()
}

impl ExitWait {
    /// Begins to watch a daemon. Returns `None` if it has ended.
    pub(super) fn begin(pid: Pid, directory: &Directory) -> io::Result<Option<ExitWait>> {
        let process = match PidFd::open(pid) {
            Ok(process) => process,
            Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => return Ok(None),
            Err(error) => return Err(error),
        };
        let watch = directory.watch().ok();
        let unwatched = watch.is_none().then(|| states(directory));
        Ok(Some(ExitWait { pid, process, watch, unwatched, since: Instant::now() }))
    }

    /// Returns the daemon's pid.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Returns how long the client has waited.
    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// Waits until the daemon has ended, something has changed in the directory, or the daemon may have lost its socket.
    pub(super) fn wait(&self, deadline: ConnectDeadline) -> io::Result<()> {
        let limit = if self.watch.is_some() { LOST_SOCKET_TIMEOUT } else { max_pause() };
        match poll(&mut self.poll_fds(), timeout_until(deadline.within(limit))) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.watch.as_ref().map_or(Ok(()), Watch::forget)
    }

    /// Returns `true` if the daemon has lost its socket: it runs, and for a while has had none, nor one under the name `leaving`, which a
    /// daemon has that exits. Called after an attempt that found none.
    pub(super) fn has_lost_socket(&self, directory: &Directory) -> bool {
        if self.since.elapsed() < LOST_SOCKET_TIMEOUT {
            return false;
        }
        let is_leaving = directory.all().any(|place| place.path().join(LEAVING).symlink_metadata().is_ok());
        // D5: no event since before the attempt, so the socket was not renamed back and forth meanwhile.
        !is_leaving && !self.has_event() && !self.has_changed_unwatched(directory)
    }

    /// Returns `true` if the directories cannot be watched, and have changed since the beginning, which is to begin anew. A change within
    /// the same tick of the clock as the beginning is not seen, and was over when the later attempts were made.
    pub(super) fn has_changed_unwatched(&self, directory: &Directory) -> bool {
        self.unwatched.as_ref().is_some_and(|before| *before != states(directory))
    }

    /// Returns `true` if the daemon has ended, or something has changed in the directory.
    fn has_event(&self) -> bool {
        poll(&mut self.poll_fds(), PollTimeout::ZERO) != Ok(0)
    }

    fn poll_fds(&self) -> Vec<PollFd<'_>> {
        let watch = self.watch.iter().map(AsFd::as_fd);
        watch.chain([self.process.as_fd()]).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect()
    }
}
