//! A log with timestamps: the streams lead to a pipe, and a thread writes the file.
//!
//! The thread and [`drain`], by which an ending process writes what is left, hold the same lock while they read and write, so that the
//! lines stay in order. Nothing that the thread does may print: it would wait for itself once the pipe is full.

use super::managed::{BEFORE_EXIT, LogTarget, ManagedLog, STAMPED, lock_until};
use super::report::{Warn, set_warning_function};
use super::stamped_file::StampedFile;
use crate::mutex::lock;
use crate::sys::fork::at_exit;
use crate::thread::spawn;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{dup2_stderr, dup2_stdout, pipe2};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// The size of one read, in bytes: what the process has printed, and a killed one loses, beyond what is in the pipe.
const READ_SIZE: usize = 16 * 1024;

/// The most that an ending process writes, in bytes: more was printed after it had begun to end (`pipe(7)`).
const PIPE_CAPACITY: usize = 64 * 1024;

/// How long the end of a process waits until its output is written: the disk may hang.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The log of this process, once its streams lead to the pipe.
static CURRENT: OnceLock<Arc<StampedLog>> = OnceLock::new();

/// Makes daemons write timestamps.
pub(crate) fn enable_timestamps() {
    let _ = STAMPED.set(|log| Arc::new(StampedLog::new(log)));
}

#[derive(Debug)]
struct StampedLog {
    path: PathBuf,
    state: Mutex<StampedFile>,
    /// The reading end, and the process that reads it.
    pipe: OnceLock<(File, u32)>,
}

impl ManagedLog for StampedLog {
    fn path(&self) -> &Path {
        &self.path
    }

    fn redirect(self: Arc<Self>) -> io::Result<Option<OwnedFd>> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        // Of the reading end alone: printing waits while the pipe is full.
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let _ = self.pipe.set((reader.into(), process::id()));
        let _ = CURRENT.set(Arc::clone(&self));
        let _ = BEFORE_EXIT.set(drain);
        // Before any that the body registers, and so after them.
        at_exit(drain_at_exit);
        spawn("daemon-log", move || self.run())?;
        Ok(Some(writer))
    }

    fn start(self: Arc<Self>, warn: Warn) {
        set_warning_function(warn);
    }

    fn is_redirected(&self) -> bool {
        true
    }

    fn write_captured(&self, bytes: &[u8]) {
        lock(&self.state).write_captured(bytes);
    }

    fn reopen(&self, reopen: &mut dyn FnMut() -> Option<Arc<OwnedFd>>) {
        let mut state = lock(&self.state);
        if let Some(file) = reopen() {
            state.replace(file);
        }
    }
}

impl StampedLog {
    fn new(log: LogTarget) -> StampedLog {
        StampedLog { path: log.path.clone(), state: Mutex::new(StampedFile::new(log)), pipe: OnceLock::new() }
    }

    /// Writes what arrives until every writing end is closed.
    fn run(&self) {
        let Some((reader, _)) = self.pipe.get() else { return };
        let written = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let _ = poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
                let mut state = lock(&self.state);
                if copy(reader, &mut state) == Some(0) {
                    return;
                }
            }
        }));
        if written.is_err() {
            // Without a thread that reads it, the pipe would block the program for ever.
            let file = lock(&self.state).file();
            let _ = dup2_stdout(&file);
            let _ = dup2_stderr(&file);
        }
    }
}

/// Copies one piece from the pipe to the file. Returns its length, which is 0 at the end of the pipe; `None` if there is none.
fn copy(mut reader: &File, state: &mut StampedFile) -> Option<usize> {
    let mut buffer = [0; READ_SIZE];
    let length = reader.read(&mut buffer).ok()?;
    state.write(&buffer[..length]);
    Some(length)
}

/// Writes what this process has printed until now, within [`DRAIN_TIMEOUT`].
fn drain() {
    let Some(log) = CURRENT.get() else { return };
    // Not in a child that user code has forked: the pipe is its parent's.
    let Some((reader, _)) = log.pipe.get().filter(|(_, process)| *process == process::id()) else { return };
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    let Some(mut state) = lock_until(&log.state, deadline) else { return };
    let mut written = 0;
    while written < PIPE_CAPACITY && Instant::now() < deadline {
        match copy(reader, &mut state) {
            Some(length @ 1..) => written += length,
            _ => return,
        }
    }
}

extern "C" fn drain_at_exit() {
    drain();
}
