//! Waits until a socket appears: by `inotify(7)`.

use super::{Directory, OpenDirectory};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Instant;

/// The events of a directory after which a client tries again: a socket or the directory has appeared or vanished.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF);

/// A watch on the directory of a daemon. Readable after any change since it was made.
///
/// Watch first, look then, wait last: a change between the look and the wait is not lost.
#[derive(Debug)]
pub struct Watch(Inotify);

impl Directory {
    /// Watches the directory, or the one above while it does not exist.
    ///
    /// # Errors
    /// Neither exists, or the user has no `inotify(7)` instance left (`fs.inotify.max_user_instances`): the caller looks again after a
    /// while.
    pub fn watch(&self) -> io::Result<Watch> {
        if let Some(open) = self.open()? {
            return open.watch();
        }
        Watch::on(self.path.parent().unwrap_or(Path::new("/")))
    }
}

impl OpenDirectory {
    /// Watches this directory.
    ///
    /// # Errors
    /// As [`Directory::watch`].
    pub fn watch(&self) -> io::Result<Watch> {
        Watch::on(Path::new(&self.entry(".")))
    }
}

impl Watch {
    fn on(path: &Path) -> io::Result<Watch> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        inotify.add_watch(path, CHANGES | AddWatchFlags::IN_ONLYDIR)?;
        Ok(Watch(inotify))
    }

    /// Waits until something changes, and forgets what has changed. Returns `false` at the deadline.
    ///
    /// # Errors
    /// The changes cannot be read.
    pub fn wait(&self, deadline: Instant) -> io::Result<bool> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // One millisecond more, since `left` is rounded down.
            let timeout = i32::try_from(left.as_millis()).unwrap_or(i32::MAX - 1) + i32::from(!left.is_zero());
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX)) {
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
