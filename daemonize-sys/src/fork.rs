//! `fork(2)` in a process with one thread, and `_exit(2)`.

use crate::pid::Pid;
use crate::syscall::syscall_result;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

/// The process in which `fork(2)` returned.
pub enum Fork {
    /// The parent, with the pid of the child.
    Parent(Pid),
    /// The child.
    Child,
}

/// A proof that this process has one thread. Only then can the child of a fork continue safely: no other thread holds a lock.
///
/// Only [`Alone::prove`] returns one. The child of a fork has one thread too, so the proof is `Copy`.
#[derive(Clone, Copy)]
pub struct Alone(());

/// The time in which the kernel may still count a thread that was just joined.
const JOIN_TIMEOUT: Duration = Duration::from_millis(100);

impl Alone {
    /// Counts the threads (`/proc/self/task`). Returns `Ok(Err(n))` if there are n > 1.
    ///
    /// # Errors
    /// Returns an error if the threads cannot be counted.
    pub fn prove() -> io::Result<Result<Alone, u64>> {
        if threads()? == 1 {
            return Ok(Ok(Alone(())));
        }
        let deadline = Instant::now() + JOIN_TIMEOUT;
        loop {
            match threads()? {
                1 => return Ok(Ok(Alone(()))),
                more if Instant::now() >= deadline => return Ok(Err(more)),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// Returns the number of threads of this process: the link count of the task directory minus 2, which needs one `stat(2)` instead of
/// a listing.
pub fn threads() -> io::Result<u64> {
    std::fs::metadata("/proc/self/task")?
        .nlink()
        .checked_sub(2)
        .filter(|count| *count > 0)
        .ok_or_else(|| io::Error::other("`/proc/self/task` does not count the threads"))
}

/// Forks a process that has one thread (`fork(2)`).
pub fn fork(_: Alone) -> io::Result<Fork> {
    // SAFETY: the proof says that no other thread exists whose locks or half-done work the child could inherit.
    let pid = syscall_result(unsafe { libc::fork() }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map_or(Fork::Child, Fork::Parent))
}

/// The time in which the main thread must begin to wait for this one.
const WAITING_TIMEOUT: Duration = Duration::from_secs(5);

/// Forks from the only thread beside the main one, while the main thread waits in `futex(2)`: from a test, whose harness waits for its
/// end. A thread that waits there holds no lock of the allocator or of std while this one holds none either, so the child, which has one
/// thread, can go on.
///
/// # Errors
/// There are more threads, or the main thread does not wait.
pub fn fork_beside_waiting_main() -> io::Result<Fork> {
    let deadline = Instant::now() + WAITING_TIMEOUT;
    while !(threads()? == 2 && main_thread_waits()?) {
        if Instant::now() >= deadline {
            return Err(io::Error::other("the main thread does not wait for this one, or there are more threads"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: the only other thread waits, and holds no lock that the child could need.
    let pid = syscall_result(unsafe { libc::fork() }.into())?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw).map_or(Fork::Child, Fork::Parent))
}

/// Returns `true` if the main thread is in `futex(2)` (`proc_pid_syscall(5)`).
fn main_thread_waits() -> io::Result<bool> {
    let call = std::fs::read_to_string(format!("/proc/self/task/{}/syscall", std::process::id()))?;
    Ok(call.split_ascii_whitespace().next() == Some(&libc::SYS_futex.to_string()))
}

/// Ends the process without running atexit handlers or flushing the parent's buffers (`_exit(2)`).
pub fn exit_now(status: u8) -> ! {
    // SAFETY: has no preconditions and does not return.
    unsafe { libc::_exit(status.into()) }
}

/// Ends this process when dropped, so that a panic does not unwind a forked process into code of its parent.
pub struct Fence {
    closed: bool,
}

impl Fence {
    /// Returns a fence, which ends the process only if `forked` is set.
    pub fn around(forked: bool) -> Fence {
        Fence { closed: forked }
    }

    /// Disarms the fence.
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

/// Runs `f` when the process ends by `exit(3)` or by returning from `main` (`atexit(3)`).
pub fn at_exit(f: extern "C" fn()) {
    // SAFETY: `f` is a plain function that lives as long as the program; it does not unwind (extern "C").
    unsafe { libc::atexit(f) };
}
