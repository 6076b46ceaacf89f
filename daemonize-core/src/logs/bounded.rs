//! A bounded log: the streams lead to the plain file, and a thread rotates it when it has grown beyond its maximum size.
//!
//! The thread sleeps in `read(2)` of an inotify descriptor. The watch is removed by its first event (`IN_ONESHOT`), and set again
//! after a pause: writes meanwhile cost neither an event nor a wake-up. A log that is not written wakes nothing.

use super::managed::{BEFORE_EXIT, BOUNDED, Bounds, LogTarget, ManagedLog, lock_until};
use super::pace::{MAX_PAUSE, Pace};
use super::report::{FailureReport, Warn, set_warning_function};
use super::rotation::{LockWait, Rotation, check_directory, rotate};
use crate::error::cause;
use crate::mutex::lock;
use crate::sys::fork::at_exit;
use crate::sys::trust::FileId;
use crate::thread::spawn;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::sys::stat::fstat;
use nix::unistd::{dup2_stderr, dup2_stdout, write};
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest pause where the kernel reports no growth (`fs.inotify.max_user_instances`): the file is looked at this often.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long the end of a process waits for a rotation.
const ROTATION_TIMEOUT: Duration = Duration::from_millis(500);

/// The log of this process, once its thread runs, and that process.
static CURRENT: OnceLock<(Arc<BoundedLog>, u32)> = OnceLock::new();

/// Makes daemons rotate logs that have bounds.
pub(crate) fn enable_bounds() {
    let _ = BOUNDED.set(|log| Arc::new(BoundedLog::new(log)));
}

#[derive(Debug)]
struct BoundedLog {
    path: PathBuf,
    bounds: Bounds,
    state: Mutex<LogState>,
}

/// The state that rotation and reopening change.
#[derive(Debug)]
struct LogState {
    /// The file that the streams lead to.
    file: Arc<OwnedFd>,
    /// The size in bytes at which the next rotation is due: the maximum, or more after one that failed.
    due: u64,
    lock_wait: LockWait,
    report: FailureReport,
    watch: Option<Watch>,
}

/// A watch of the file.
#[derive(Debug)]
struct Watch {
    inotify: Arc<Inotify>,
    file: Option<WatchDescriptor>,
}

impl BoundedLog {
    fn new(log: LogTarget) -> BoundedLog {
        let LogTarget { path, file, bounds, .. } = log;
        let bounds = bounds.unwrap_or(Bounds { max_size: u64::MAX, keep: 0, is_explicit: false });
        let (lock_wait, report, watch) = (LockWait::default(), FailureReport::default(), None);
        let state = LogState { file, due: bounds.max_size, lock_wait, report, watch };
        BoundedLog { path, bounds, state: Mutex::new(state) }
    }

    /// Rotates the file whenever that is due. Returns if that can never succeed.
    fn run(&self) {
        self.check_directory();
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC).ok().map(Arc::new);
        lock(&self.state).watch = inotify.clone().map(|inotify| Watch { inotify, file: None });
        let mut pace = Pace::new(MAX_PAUSE);
        let mut is_polled = false;
        loop {
            let is_watched = self.look(&mut pace);
            if let (Some(inotify), true) = (&inotify, is_watched) {
                // An error (EINTR) is an early look.
                let _ = inotify.read_events();
            } else if !is_polled {
                // No inotify descriptor is left for this user, or the user may not read the file, or has no /proc (chroot).
                if let Err(why) = check_directory(&self.path) {
                    return self.cannot_rotate(&why);
                }
                (pace, is_polled) = (Pace::new(POLL_INTERVAL), true);
            }
            sleep(pace.left(Instant::now()));
        }
    }

    /// Watches the file, and rotates it if that is due. Returns `false` if it cannot be watched.
    fn look(&self, pace: &mut Pace) -> bool {
        let mut state = lock(&self.state);
        // Before the size is read: growth from here on is an event.
        let is_watched = state.watch_file();
        let Ok(status) = fstat(&*state.file) else { return is_watched };
        let size = u64::try_from(status.st_size).unwrap_or(0);
        // A file that was removed is replaced at once, unless that has failed.
        let is_removed = status.st_nlink == 0 && state.due <= self.bounds.max_size;
        if (size > state.due || is_removed) && streams_lead_to(&state.file).contains(&true) {
            self.rotate(&mut state, size);
            pace.pause(Instant::now(), 0, state.due);
            return state.watch_file();
        }
        pace.pause(Instant::now(), size, state.due);
        is_watched
    }

    fn rotate(&self, state: &mut LogState, size: u64) {
        match rotate(&self.path, self.bounds, &state.file) {
            Ok(Rotation::Opened(file)) => {
                redirect_streams(&state.file, &file);
                state.replace(Arc::new(file), self.bounds);
            }
            Ok(Rotation::NotDue) => state.due = self.bounds.max_size,
            Ok(Rotation::Locked) if !state.lock_wait.is_over() => {}
            Ok(Rotation::Locked) => self.failed(state, size, "another process keeps it locked (flock)"),
            Err(why) => self.failed(state, size, why),
        }
    }

    /// Reports a rotation that failed. The next one is tried when the file has grown by its maximum size again.
    fn failed(&self, state: &mut LogState, size: u64, why: impl Display) {
        state.due = size.saturating_add(self.bounds.max_size);
        state.lock_wait.end();
        state.report.failed(format!("failed to rotate the log `{}`: {why}; it grows on", self.path.display()));
    }

    /// Reports at the start that no rotation can succeed, if the program has asked for it.
    fn check_directory(&self) {
        if let (true, Err(why)) = (self.bounds.is_explicit, check_directory(&self.path)) {
            self.cannot_rotate(&why);
        }
    }

    fn cannot_rotate(&self, why: &str) {
        let text = format!("the log `{}` cannot be rotated: {why}; it grows without a limit", self.path.display());
        lock(&self.state).report.failed(text);
    }
}

impl ManagedLog for BoundedLog {
    fn path(&self) -> &Path {
        &self.path
    }

    fn redirect(self: Arc<Self>) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    fn start(self: Arc<Self>, warn: Warn) {
        set_warning_function(warn);
        let _ = CURRENT.set((Arc::clone(&self), process::id()));
        let _ = BEFORE_EXIT.set(finish_rotation);
        at_exit(finish_rotation_at_exit);
        let log = Arc::clone(&self);
        if let Err(error) = spawn("daemon-rotate", move || log.run()) {
            self.cannot_rotate(&format!("no thread: {}", cause(&error)));
        }
    }

    fn is_redirected(&self) -> bool {
        false
    }

    fn write_captured(&self, bytes: &[u8]) {
        let _ = write(&*lock(&self.state).file, bytes);
    }

    fn reopen(&self, reopen: &mut dyn FnMut() -> Option<Arc<OwnedFd>>) {
        let mut state = lock(&self.state);
        if let Some(file) = reopen() {
            state.replace(file, self.bounds);
            state.watch_file();
        }
    }
}

impl LogState {
    fn replace(&mut self, file: Arc<OwnedFd>, bounds: Bounds) {
        (self.file, self.due) = (file, bounds.max_size);
        self.lock_wait.end();
        self.report.succeeded();
    }

    /// Has the kernel report the next growth of the file, instead of that of an earlier one. Returns `false` if it cannot.
    fn watch_file(&mut self) -> bool {
        let Some(watch) = &mut self.watch else { return false };
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let added = watch.inotify.add_watch(&*path, AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ONESHOT);
        let earlier = std::mem::replace(&mut watch.file, added.ok());
        if let Some(earlier) = earlier.filter(|earlier| Some(*earlier) != watch.file) {
            // Fails if its event has removed it.
            let _ = watch.inotify.rm_watch(earlier);
        }
        watch.file.is_some()
    }
}

/// Redirects the streams that lead to `old`. dup2(2) replaces a descriptor atomically, so no line is lost.
fn redirect_streams(old: &OwnedFd, new: &OwnedFd) {
    let [stdout, stderr] = streams_lead_to(old);
    if stdout {
        let _ = dup2_stdout(new);
    }
    if stderr {
        let _ = dup2_stderr(new);
    }
}

/// Returns which of stdout and stderr lead to the file: the program may have redirected them itself.
fn streams_lead_to(file: &OwnedFd) -> [bool; 2] {
    let Ok(file) = fstat(file) else { return [false; 2] };
    let leads = |stream: nix::Result<_>| stream.is_ok_and(|status| FileId::of(&status) == FileId::of(&file));
    [leads(fstat(io::stdout().as_fd())), leads(fstat(io::stderr().as_fd()))]
}

/// Waits until the thread does not rotate, and keeps it from beginning: the process would end between rename(2) and open(2), and leave
/// no file of the log's name.
fn finish_rotation() {
    // Not in a child that user code has forked: the thread is its parent's.
    if let Some((log, _)) = CURRENT.get().filter(|(_, process)| *process == process::id()) {
        std::mem::forget(lock_until(&log.state, Instant::now() + ROTATION_TIMEOUT));
    }
}

extern "C" fn finish_rotation_at_exit() {
    finish_rotation();
}
