//! The identity and change time of the file at a path, read on a thread because the mount may hang.

use crate::sys::fd_table;
use nix::sys::eventfd::EventFd;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file at a path, and its last change: a file that is written to, touched, or replaced has another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    /// Of the inode: unlike the time of modification, no program can set it back.
    changed: (i64, i64),
}

impl FileVersion {
    /// Returns the version of the file at a path; `None` if there is none. Follows links.
    ///
    /// To be called in a thread of its own, whose descriptors but `wakeup` are left to the others: a thread that hangs for ever
    /// does not even end with the process, and would keep its other descriptors open, with the lock of the pidfile among them.
    pub(super) fn find(path: &Path, wakeup: &EventFd) -> Option<FileVersion> {
        // Before Linux 5.9 it keeps what it has.
        let _ = fd_table::leave(wakeup);
        let found = fs::metadata(path).ok()?;
        Some(FileVersion { device: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) })
    }
}
