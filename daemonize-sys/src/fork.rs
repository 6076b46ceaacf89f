//! Making a process, and leaving one without returning.

use crate::pid::Pid;
use crate::syscall::syscall_result;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

/// Which of the two processes `fork(2)` returned in.
pub enum Fork {
    /// The parent, and its new child.
    Parent(Pid),
    /// The child.
    Child,
}

/// The witness that this process has one thread: only then may it fork and go on as if nothing had happened.
///
/// Only [`Alone::prove`] makes one. The child of a fork is alone as well, so the witness is `Copy`.
#[derive(Clone, Copy)]
pub struct Alone(());

/// How long a thread that was just joined may still be listed by the kernel.
const LINGER: Duration = Duration::from_millis(100);

impl Alone {
    /// Counts the threads: `Ok(Err(n))` when there are n > 1 of them, `Err` when the count cannot be had.
    pub fn prove() -> io::Result<Result<Alone, u64>> {
        if threads()? == 1 {
            return Ok(Ok(Alone(())));
        }
        let deadline = Instant::now() + LINGER;
        loop {
            match threads()? {
                1 => return Ok(Ok(Alone(()))),
                more if Instant::now() >= deadline => return Ok(Err(more)),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// The link count of a task directory is its number of threads + 2: one call instead of a listing.
fn threads() -> io::Result<u64> {
    std::fs::metadata("/proc/self/task")?
        .nlink()
        .checked_sub(2)
        .filter(|count| *count > 0)
        .ok_or_else(|| io::Error::other("`/proc/self/task` does not count the threads"))
}

/// `fork(2)` in a process that has one thread.
pub fn fork(_: Alone) -> io::Result<Fork> {
    // SAFETY: the witness says that no other thread exists whose locks or half-done work the child could inherit.
    let pid = syscall_result(unsafe { libc::fork() }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map_or(Fork::Child, Fork::Parent))
}

/// `_exit(2)`: ends the process without running atexit handlers or flushing the parent's buffers.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: has no preconditions and does not return.
    unsafe { libc::_exit(status.into()) }
}

/// Ends this process when it is dropped: a panic must not carry a forked process into code that belongs to another.
pub struct Fence {
    closed: bool,
}

impl Fence {
    /// Closed only where there is something to be kept apart: in a forked process.
    pub fn around(forked: bool) -> Fence {
        Fence { closed: forked }
    }

    /// The process goes on by itself.
    pub fn open(mut self) {
        self.closed = false;
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        if self.closed {
            exit_now(4);
        }
    }
}

/// `atexit(3)`: runs `f` when the process ends by `exit(3)` or by returning from `main`.
pub fn at_exit(f: extern "C" fn()) {
    // SAFETY: `f` is a plain function that lives as long as the program; it does not unwind (extern "C").
    unsafe { libc::atexit(f) };
}
