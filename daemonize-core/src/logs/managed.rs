//! Logs that a thread of the daemon takes care of.

use super::report::Warn;
use crate::sys::fork;
use std::fmt::Debug;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The interval at which an ending process tries to lock the log.
const LOCK_INTERVAL: Duration = Duration::from_millis(1);

/// The bounds of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The size in bytes at which the file is rotated.
    pub(crate) max_size: u64,
    /// The number of old files.
    pub(crate) keep: u32,
    /// `true` if the program has set the size, or has no path of its own: no other program is expected to rotate the log.
    pub(crate) is_explicit: bool,
}

/// A log file that is open, and how it is managed.
#[derive(Clone, Debug)]
pub(crate) struct LogTarget {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<OwnedFd>,
    pub(crate) bounds: Option<Bounds>,
    pub(crate) timestamps: bool,
}

/// A log file that a thread of the daemon rotates or writes.
pub(crate) trait ManagedLog: Debug + Send + Sync {
    /// Returns the path of the file.
    fn path(&self) -> &Path;

    /// Returns the descriptor that the streams get in place of the file, and starts the thread that reads its other end; `None` if
    /// the streams lead to the file.
    ///
    /// # Errors
    /// No pipe could be made, or no thread spawned.
    fn redirect(self: Arc<Self>) -> io::Result<Option<OwnedFd>>;

    /// Starts the thread that rotates the file, if that is not the one of [`redirect`](ManagedLog::redirect). `warn` stores the
    /// warning that `status` shows; `None` removes it.
    fn start(self: Arc<Self>, warn: Warn);

    /// Returns `true` if the streams do not lead to the file itself.
    fn is_redirected(&self) -> bool;

    /// Writes what the launcher has captured, without a rotation: the launcher may be root, and the directory another user's.
    fn write_captured(&self, bytes: &[u8]);

    /// Calls `reopen` while the file is not rotated, and uses the file that it returns from then on.
    fn reopen(&self, reopen: &mut dyn FnMut() -> Option<Arc<OwnedFd>>);
}

/// The constructors of bounded logs and of logs with timestamps, once such a log is used: a program without one is linked without
/// the code.
pub(super) static BOUNDED: OnceLock<Manage> = OnceLock::new();
pub(super) static STAMPED: OnceLock<Manage> = OnceLock::new();

type Manage = fn(LogTarget) -> Arc<dyn ManagedLog>;

/// Returns the manager of this log; `None` if it needs none.
pub(crate) fn manage(log: LogTarget) -> Option<Arc<dyn ManagedLog>> {
    let manage = match &log {
        LogTarget { timestamps: true, .. } => STAMPED.get(),
        LogTarget { bounds: Some(_), .. } => BOUNDED.get(),
        _ => None,
    };
    manage.map(|manage| manage(log))
}

/// Completes what a thread does with the log, once there is such a thread.
pub(super) static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// Completes the log before this process ends, in bounded time: writes what this process has printed and no thread has written yet,
/// or waits for a rotation.
pub(crate) fn complete() {
    if let Some(complete) = BEFORE_EXIT.get() {
        complete();
    }
}

/// Ends the process as [`fork::exit_now`] does, after [`complete`].
pub(crate) fn exit_now(status: u8) -> ! {
    complete();
    fork::exit_now(status)
}

/// Locks a mutex, unless another thread keeps it locked until `deadline`: the disk may hang.
pub(super) fn lock_until<T>(mutex: &Mutex<T>, deadline: Instant) -> Option<MutexGuard<'_, T>> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return None,
            Err(TryLockError::WouldBlock) => sleep(LOCK_INTERVAL),
        }
    }
}
