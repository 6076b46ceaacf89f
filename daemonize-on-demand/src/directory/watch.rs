//! Waits until a socket appears: by `inotify(7)`.

use super::Directory;
use daemonize_sys::pidfd::timeout_until;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Instant;

/// The events of a directory after which a client tries again: a socket, or the directory of sockets, has appeared or vanished.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CREATE.union(AddWatchFlags::IN_MOVE).union(AddWatchFlags::IN_DELETE);

/// A watch on the directory of a daemon. Readable after any change since it was made.
///
/// Watch first, look then, wait last: a change between the look and the wait is not lost.
#[derive(Debug)]
pub struct Watch(Inotify);

impl Directory {
    /// Watches the directory and the one above, in which it appears and vanishes.
    ///
    /// # Errors
    /// The one above does not exist, or the user has no `inotify(7)` instance left (`fs.inotify.max_user_instances`): the caller looks again after a
    /// while.
    pub fn watch(&self) -> io::Result<Watch> {
        let above = self.path.parent().unwrap_or(Path::new("/"));
        let Some(open) = self.open()? else { return Watch::new()?.and(above) };
        // The directory itself reports its own removal only when no process has it open (`IN_DELETE_SELF`); the daemon has.
        let watch = Watch::new()?.and(Path::new(&open.entry(".")))?;
        watch.and(above)
    }
}

impl Watch {
    fn new() -> io::Result<Watch> {
        Ok(Watch(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?))
    }

    /// Adds a directory.
    fn and(self, path: &Path) -> io::Result<Watch> {
        self.0.add_watch(path, CHANGES | AddWatchFlags::IN_ONLYDIR)?;
        Ok(self)
    }

    /// Waits until something changes, and forgets what has changed. Returns `false` at the deadline.
    ///
    /// # Errors
    /// The changes cannot be read.
    pub fn wait(&self, deadline: Instant) -> io::Result<bool> {
        loop {
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout_until(deadline)) {
                Ok(0) if Instant::now() >= deadline => return Ok(false),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return self.forget().map(|()| true),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Forgets the changes so far, for a caller that polls the descriptor itself.
    ///
    /// # Errors
    /// The changes cannot be read.
    pub fn forget(&self) -> io::Result<()> {
        loop {
            match self.0.read_events() {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SOCKET;
    use super::*;
    use std::time::Duration;

    fn after(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    #[test]
    fn watch_is_woken_by_the_directory_and_by_each_change_of_a_socket() {
        let above = tempfile::tempdir().unwrap();
        let place = Directory::beside(&above.path().join("a.pid"));
        let watch = place.watch().unwrap();
        assert!(!watch.wait(after(5)).unwrap());
        let open = place.create().unwrap();
        assert!(watch.wait(after(5000)).unwrap());
        let watch = place.watch().unwrap();
        let listener = open.bind(SOCKET).unwrap();
        assert!(watch.wait(after(5000)).unwrap());
        open.rename(SOCKET, "leaving").unwrap();
        assert!(watch.wait(after(5000)).unwrap());
        assert!(!watch.wait(after(5)).unwrap());
        open.remove("leaving").unwrap();
        assert!(watch.wait(after(5000)).unwrap());
        std::fs::remove_dir(place.path()).unwrap();
        assert!(watch.wait(after(5000)).unwrap());
        drop(listener);
    }

    #[test]
    fn watch_without_a_directory_above_is_an_error() {
        let above = tempfile::tempdir().unwrap();
        assert!(Directory::beside(&above.path().join("no/a.pid")).watch().is_err());
    }
}
