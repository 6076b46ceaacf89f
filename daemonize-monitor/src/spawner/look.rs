//! Looks whether files are there, each in a thread of its own, which holds nothing of the monitor's: neither its descriptors,
//! with the lock of the pidfile among them, nor children.

use super::ticket::{Begun, Ticket};
use super::{Spawners, refusal};
use crate::error::cause;
use crate::sys::{spawn, table};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// So many may hang at once.
const MOST: usize = 16;

/// Next to nothing is done there.
const STACK: usize = 64 * 1024;

/// One is had by each look that goes on.
pub(super) type Count = Arc<()>;

/// Which file is at a path, and its last change: a file that is written to, touched, or replaced has another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    /// Of the inode: unlike the time of modification, no program can set it back.
    changed: (i64, i64),
}

impl FileVersion {
    /// Returns the version of the file at a path; `None` if there is none. Follows links.
    fn of(path: &Path) -> Option<FileVersion> {
        let found = fs::metadata(path).ok()?;
        Some(FileVersion { device: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) })
    }
}

impl Spawners {
    /// Looks which file is at a path, and waits for the answer for the given time.
    pub(crate) fn look(&self, path: PathBuf, patience: Duration) -> Begun<Option<FileVersion>> {
        if Arc::strong_count(&self.looks) > MOST {
            return Begun::Over(Err(refusal(&format!("{MOST} looks for other files hang"))));
        }
        let (ticket, theirs) = Ticket::pair(None);
        let (bell, count) = (Arc::clone(&self.bell), Arc::clone(&self.looks));
        let look = move || {
            spawn::block_signals();
            // Before Linux 5.9 it keeps what it has.
            let _ = table::leave(&*bell);
            let found = FileVersion::of(&path);
            drop(count);
            theirs.settle(Ok(found), &bell);
        };
        match thread::Builder::new().name("looks".into()).stack_size(STACK).spawn(look) {
            Ok(_) => ticket.wait(patience),
            Err(error) => Begun::Over(Err(refusal(&cause(&error)))),
        }
    }
}
