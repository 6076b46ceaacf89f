//! Waits until a socket appears: by `inotify(7)`.

use super::Directory;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// The events of a directory after which a client tries again: a socket, or the directory of sockets, has appeared or vanished.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CREATE.union(AddWatchFlags::IN_MOVE).union(AddWatchFlags::IN_DELETE);

/// A watch on the directory of a daemon. Readable after any change since it was made.
///
/// Watch first, look then, wait last: a change between the look and the wait is not lost.
#[derive(Debug)]
pub(crate) struct Watch(Inotify);

impl Directory {
    /// Watches the directory and the one above, in which it appears and vanishes.
    ///
    /// # Errors
    /// The one above does not exist, or the user has no `inotify(7)` instance left (`fs.inotify.max_user_instances`): the caller looks again after a
    /// while.
    pub(crate) fn watch(&self) -> io::Result<Watch> {
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

    /// Forgets the changes so far. The caller polls the descriptor.
    ///
    /// # Errors
    /// The changes cannot be read.
    pub(crate) fn forget(&self) -> io::Result<()> {
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
    use nix::poll::{PollFd, PollFlags, poll};

    /// Waits for a change, and forgets it.
    fn changes(watch: &Watch, milliseconds: u16) -> bool {
        let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
        let count = poll(&mut fds, milliseconds).unwrap();
        watch.forget().unwrap();
        count > 0
    }

    #[test]
    fn watch_is_woken_by_the_directory_and_by_each_change_of_a_socket() {
        let above = tempfile::tempdir().unwrap();
        let place = Directory::beside(&above.path().join("a.pid"));
        let watch = place.watch().unwrap();
        assert!(!changes(&watch, 5));
        let open = place.create().unwrap();
        assert!(changes(&watch, 5000));
        let watch = place.watch().unwrap();
        let listener = open.bind(SOCKET).unwrap();
        assert!(changes(&watch, 5000));
        open.rename(SOCKET, "leaving").unwrap();
        assert!(changes(&watch, 5000));
        assert!(!changes(&watch, 5));
        open.remove("leaving").unwrap();
        assert!(changes(&watch, 5000));
        std::fs::remove_dir(place.path()).unwrap();
        assert!(changes(&watch, 5000));
        drop(listener);
    }

    #[test]
    fn watch_without_a_directory_above_is_an_error() {
        let above = tempfile::tempdir().unwrap();
        assert!(Directory::beside(&above.path().join("no/a.pid")).watch().is_err());
    }
}
