//! The pidfile: a lock that prevents two daemons of one name, and an identity that names the running process.
//!
//! There are two files. `NAME.pid.lock` (mode 0600) carries the lock (`flock(2)`) and nothing else: other users could lock a
//! file that they can open, and so block every start and stop. Its open file description is read-only and stays open as long as
//! the daemon runs. `NAME.pid` (mode 0644) is never locked. It is empty during a start and is replaced once, by `rename(2)` under
//! the lock, so that a reader finds no file, an empty file, or the complete content. Both files are removed under the lock, the
//! lock file last. The rules are in `docs/rules.md` (P1 to P13).

mod cleanup;
mod existing_lock;
mod format;
mod holder;
mod last_words;
mod lock;
mod lock_errors;
mod lock_holder;
mod path_errors;
mod probe;
mod reading;
mod remove;
mod replaceable;
mod trusted_path;
mod write;

pub(crate) use cleanup::{LastWordsCleanup, clean, clean_lock};
pub(crate) use format::Record;
pub(crate) use holder::Holder;
pub(crate) use last_words::{ExitReport, ReloadReceipt, Statement, read_last_words};
pub(crate) use lock::MIN_LOCK_TIMEOUT;
pub(crate) use lock_errors::already_running;
pub(crate) use probe::Probe;

use crate::error::Result;
use crate::pid::Pid;
use crate::process::Identity;
use reading::Reading;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::time::Duration;
use trusted_path::TrustedPath;

/// The default mode of a pidfile: other users may read which process runs.
const MODE: u32 = 0o644;

/// A pidfile that this process holds: locked, and removed when the value is dropped.
///
/// It also serves alone, in a program of which only one instance may run:
///
/// ```
/// # let directory = std::env::temp_dir().join(format!("daemonize-core-doc-{}", std::process::id()));
/// # std::fs::create_dir(&directory)?;
/// # let path = directory.join("once.pid");
/// use daemon::PidFile;
///
/// let once = PidFile::lock(&path)?;               // or: already running as pid 4711
/// assert_eq!(once.pid(), Some(daemon::Pid::this()));
/// drop(once);                                     // removes the file
/// assert!(!path.exists());
/// # std::fs::remove_dir(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Line 1 is the pid, line 2 the identity: start time (clock ticks after boot), boot id, pid and time namespace; further
/// lines, if any, are addresses. A pid without a matching identity is never trusted. Beside it is `NAME.pid.lock`, which this
/// process has locked (`flock(2)`), and which is removed with the pidfile.
#[derive(Debug)]
pub struct PidFile {
    trusted: TrustedPath,
    mode: u32,
    /// Read-only; carries the lock, which is released when the last copy of the descriptor is closed. Never `LOCK_UN`: that
    /// would release the lock for all copies at once.
    lock: File,
    /// The process that the file names; `None` until it is written.
    sealed: Option<Identity>,
    /// The process that removes the files when the value is dropped; a forked child does not.
    owner: Option<Pid>,
    /// The file for the daemon's last words, if the launcher created it because the daemon could not.
    last_words: Option<File>,
}

impl PidFile {
    /// Takes the pidfile for this process at once: [`acquire`](PidFile::acquire) and [`seal`](PidFile::seal).
    ///
    /// # Errors
    /// `AlreadyRunning` with the pid of the running daemon; `Locked` if another process holds the lock; otherwise the reason
    /// for which a file or the directory cannot be opened or trusted.
    pub fn lock(path: impl AsRef<Path>) -> Result<PidFile> {
        PidFile::acquire(path, Duration::ZERO)?.seal()
    }

    /// Takes the lock and empties the file; waits up to `timeout` for the lock (at least 0.2 s if no daemon holds it).
    ///
    /// # Errors
    /// As [`lock`](PidFile::lock).
    pub fn acquire(path: impl AsRef<Path>, timeout: Duration) -> Result<PidFile> {
        PidFile::acquire_with(path.as_ref(), MODE, timeout)
    }

    /// Writes the identity of this process, which completes the file.
    ///
    /// # Errors
    /// If the identity cannot be read, or cannot be written (disk full). The file is removed then.
    pub fn seal(self) -> Result<PidFile> {
        self.seal_as(Pid::this())
    }

    /// As [`seal`](PidFile::seal), for the running process `pid`: a child that will hold a copy of the lock.
    ///
    /// # Errors
    /// As [`seal`](PidFile::seal).
    pub fn seal_as(self, pid: Pid) -> Result<PidFile> {
        self.seal_for(pid, &[])
    }

    /// As [`seal`](PidFile::seal), with addresses of this process: URLs without spaces, one per line from the third line on.
    ///
    /// # Errors
    /// As [`seal`](PidFile::seal), and if one of the addresses is not a URL.
    pub fn seal_with(self, addresses: &[String]) -> Result<PidFile> {
        self.seal_for(Pid::this(), addresses)
    }

    /// Returns the process that the file names, running or not; `None` before the file is sealed.
    pub fn pid(&self) -> Option<Pid> {
        self.sealed.as_ref().map(|identity| identity.pid)
    }

    /// Returns `true` if the lock file's path still leads to the file that this process has locked: no other process
    /// moved or removed it.
    pub fn is_held(&self) -> bool {
        self.trusted.is_current(&self.lock)
    }

    /// Returns `true` if the pidfile names this process and its lock is held.
    pub fn is_mine(&self) -> bool {
        let names_this = |reading: Reading| matches!(reading.record, Record::Complete(identity) if Some(&identity) == self.sealed.as_ref());
        self.pid() == Some(Pid::this()) && self.is_held() && self.trusted.read().ok().flatten().is_some_and(names_this)
    }

    /// Returns the path, as it was given.
    pub fn path(&self) -> &Path {
        self.trusted.path()
    }

    /// Returns the descriptor whose copies hold the lock.
    pub(crate) fn lock_fd(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// Makes this process the owner of the files: a child of the process that took the lock, which closes its copy.
    pub(crate) fn take_over(&mut self) {
        self.owner = Some(Pid::this());
    }

    /// Closes every descriptor except that of the lock.
    pub(crate) fn keep_lock_only(&mut self) {
        self.trusted.close_directory();
    }

    /// Opens the directory again, before the daemon removes the files in it.
    pub(crate) fn open_directory(&mut self) {
        self.trusted.open_directory();
    }

    /// Reads the pidfile without its lock.
    pub(crate) fn probe(path: &Path) -> Result<Probe> {
        Probe::of(TrustedPath::open_existing(path)?)
    }

    /// Leaves the files to the process that holds the other copy of the lock.
    pub(crate) fn disown(mut self) -> PidFile {
        self.owner = None;
        self
    }

    /// Returns the descriptors that must stay open while the lock is held.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        [Some(&self.lock), self.last_words.as_ref()].into_iter().flatten().map(AsRawFd::as_raw_fd).collect()
    }
}
